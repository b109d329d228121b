"""The table of every path that an engine serves."""

from collections.abc import Callable

import msgspec

from backends.engine import control, pooling
from backends.engine.chat import serve_chat
from backends.engine.completions import serve_completion
from backends.engine.http import Answer, Request
from backends.engine.messages import serve_count_tokens, serve_messages
from backends.engine.models import serve_model, serve_models
from backends.engine.responses import serve_responses
from backends.engine.service import Service
from backends.engine.tokens import serve_detokenize, serve_tokenize

Endpoint = Callable[[Service, Request, Answer], None]


class Route(msgspec.Struct, frozen=True):
    """`family` is what a fault names; control routes are struck only by faults that name them."""

    family: str
    endpoint: Endpoint
    control: bool = False


ROUTES = {
    ("POST", "/v1/chat/completions"): Route("chat", serve_chat),
    ("POST", "/v1/completions"): Route("completions", serve_completion),
    ("POST", "/v1/responses"): Route("responses", serve_responses),
    ("POST", "/v1/messages"): Route("messages", serve_messages),
    ("POST", "/v1/messages/count_tokens"): Route("messages", serve_count_tokens),
    ("POST", "/v1/embeddings"): Route("embeddings", pooling.serve_embeddings),
    ("POST", "/v1/rerank"): Route("rerank", pooling.serve_rerank),
    ("POST", "/rerank"): Route("rerank", pooling.serve_rerank),
    ("POST", "/v1/score"): Route("score", pooling.serve_score),
    ("POST", "/score"): Route("score", pooling.serve_score),
    ("POST", "/tokenize"): Route("tokenize", serve_tokenize),
    ("POST", "/detokenize"): Route("tokenize", serve_detokenize),
    ("GET", "/v1/models"): Route("models", serve_models, control=True),
    ("GET", "/health"): Route("health", control.serve_health, control=True),
    ("GET", "/ping"): Route("health", control.serve_health, control=True),
    ("GET", "/metrics"): Route("metrics", control.serve_metrics, control=True),
    ("GET", "/version"): Route("version", control.serve_version, control=True),
    ("GET", "/load"): Route("load", control.serve_load, control=True),
    ("POST", "/sleep"): Route("sleep", control.serve_sleep, control=True),
    ("POST", "/wake_up"): Route("sleep", control.serve_wake_up, control=True),
    ("GET", "/is_sleeping"): Route("sleep", control.serve_is_sleeping, control=True),
    ("POST", "/fault"): Route("fault", control.serve_arm, control=True),
    ("GET", "/fault"): Route("fault", control.serve_faults, control=True),
    ("DELETE", "/fault"): Route("fault", control.serve_disarm, control=True),
}
MODEL = Route("models", serve_model, control=True)
METHODS = {path: {method for method, other in ROUTES if other == path} for _, path in ROUTES}
