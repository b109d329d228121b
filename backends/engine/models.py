"""/v1/models: an engine has one model, under the name it was given."""

from backends.engine.http import SERVER, Answer, Request
from backends.engine.service import Service, encode


def serve_models(service: Service, request: Request, answer: Answer) -> None:
    answer.respond(200, encode({"object": "list", "data": [_card(service)]}))


def serve_model(service: Service, request: Request, answer: Answer) -> None:
    service.check_model(request.path.removeprefix("/v1/models/"))
    answer.respond(200, encode(_card(service)))


def _card(service: Service) -> dict[str, object]:
    return {
        "id": service.model,
        "object": "model",
        "created": service.created,
        "owned_by": SERVER,
        "root": service.model,
        "parent": None,
        "max_model_len": service.limits.max_model_len,
        "permission": [],
    }
