"""Endpoint families: one descriptor each, with its public paths. A path that is not here is not served."""

from collections.abc import Mapping

import msgspec

OPENAI_HEADERS = frozenset({b"openai-beta"})
ANTHROPIC_HEADERS = frozenset({b"anthropic-beta", b"anthropic-version"})


class Family(msgspec.Struct, frozen=True):
    """One kind of endpoint.

    ``paths``: public ones, first the canonical one. ``api``: the name of the client API it belongs to (of
    serving/client_apis.py), and ``headers``: that API's own request header fields. ``speakers``: the kinds of server
    that answer it by themselves (openai, vllm). ``events``: how a streamed answer speaks (``openai``: data-only chunks
    and [DONE]; ``typed``: named events). ``optional``: some upstreams answer whole although a stream was asked for,
    which their clients expect. ``form``: the request is multipart. ``binary``: so is the answer.

    ``text``: it asks a model to write. ``translated``: its request can be read as a Conversation, and so be sent to an
    upstream that does not answer it. ``countable``: an engine's /tokenize and tiktoken read its body. ``count``: its
    answer is a number of tokens. ``operation``: OpenTelemetry's word for it; empty: the family's name.
    """

    name: str
    paths: tuple[str, ...]
    api: str = "chat"
    speakers: frozenset[str] = frozenset()
    events: str = ""
    headers: frozenset[bytes] = OPENAI_HEADERS
    optional: bool = False
    usage_option: bool = False  # usage in streams must be asked for
    form: bool = False
    binary: bool = False
    text: bool = False
    translated: bool = False
    countable: bool = False
    count: bool = False
    operation: str = ""


_OPENAI = frozenset({"openai"})
_VLLM = frozenset({"vllm"})
_BOTH = _OPENAI | _VLLM

FAMILIES = (
    Family(
        "chat", ("/v1/chat/completions",), speakers=_BOTH, events="openai", usage_option=True,
        text=True, translated=True, countable=True,
    ),
    Family(
        "completions", ("/v1/completions",), speakers=_BOTH, events="openai", usage_option=True,
        text=True, countable=True, operation="text_completion",
    ),
    Family("embeddings", ("/v1/embeddings",), speakers=_BOTH),
    Family(
        "responses", ("/v1/responses",), "responses", speakers=_BOTH, events="typed",
        text=True, translated=True, operation="chat",
    ),
    Family(
        "messages", ("/v1/messages",), "messages", speakers=_VLLM, events="typed", headers=ANTHROPIC_HEADERS,
        text=True, translated=True, operation="chat",
    ),
    Family(
        "count_tokens", ("/v1/messages/count_tokens",), "messages", speakers=_VLLM, headers=ANTHROPIC_HEADERS,
        count=True,
    ),
    Family("moderations", ("/v1/moderations",), speakers=_OPENAI),
    Family("images", ("/v1/images/generations",), "responses", speakers=_OPENAI, events="typed", optional=True),
    Family(
        "image_edits", ("/v1/images/edits",), "responses", speakers=_OPENAI, events="typed", optional=True, form=True
    ),
    Family("image_variations", ("/v1/images/variations",), speakers=_OPENAI, form=True),
    Family("speech", ("/v1/audio/speech",), speakers=_OPENAI, binary=True),
    Family(
        "transcriptions", ("/v1/audio/transcriptions",), "responses", speakers=_BOTH, events="typed", optional=True,
        form=True,
    ),
    Family("translations", ("/v1/audio/translations",), speakers=_BOTH, form=True),
    Family("rerank", ("/v1/rerank", "/rerank", "/v2/rerank"), speakers=_VLLM),
    Family("score", ("/v1/score", "/score"), speakers=_VLLM),
    Family("tokenize", ("/tokenize",), speakers=_VLLM),
    Family("detokenize", ("/detokenize",), speakers=_VLLM),
)  # fmt: skip

FAMILY: Mapping[str, Family] = {family.name: family for family in FAMILIES}
OPENAI_FAMILIES, VLLM_FAMILIES = (
    frozenset(family.name for family in FAMILIES if server in family.speakers) for server in ("openai", "vllm")
)
ALL_FAMILIES = frozenset(FAMILY)
