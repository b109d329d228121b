"""What Converse accepts. Rule: the service's own model for the shape, and its documented refusals for the sense."""

import base64
import itertools
from typing import Any

import botocore.session
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator


class Refused(Exception):
    """A ValidationException; its text is the message."""


class Rules:
    """``problem``s of request bodies, by operation."""

    def __init__(self) -> None:
        self._model: ServiceModel = botocore.session.get_session().get_service_model("bedrock-runtime")

    def check(self, operation: str, model: str, body: dict[str, Any]) -> None:
        """Raises Refused."""
        shape = self._model.operation_model(operation).input_shape
        assert shape is not None
        report = ParamValidator().validate(_blobs(shape, {"modelId": model, **body}), shape)
        if report.has_errors():
            raise Refused(report.generate_report())
        messages = body.get("messages", [])
        _turns(messages, model)
        _content(messages)
        _tools(messages, body)


def _blobs(shape: Shape, value: Any) -> Any:
    """The value with base64 text where the shape has bytes: what the wire carries, as the validator wants it."""
    if shape.type_name == "structure" and isinstance(value, dict) and not getattr(shape, "is_document_type", False):
        members = shape.members  # type: ignore[attr-defined]
        return {key: _blobs(members[key], item) if key in members else item for key, item in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [_blobs(shape.member, item) for item in value]  # type: ignore[attr-defined]
    return base64.b64decode(value, validate=True) if shape.type_name == "blob" else value


def _turns(messages: list[dict[str, Any]], model: str) -> None:
    if not messages or (messages[0]["role"] != "user" and "anthropic." not in model):  # Claude takes it
        raise Refused("A conversation must start with a user message. Try again with a conversation that starts so.")
    for before, after in itertools.pairwise(messages):
        if before["role"] == after["role"]:
            raise Refused("A conversation must alternate between user and assistant roles.")


def _content(messages: list[dict[str, Any]]) -> None:
    for at, message in enumerate(messages):
        if not message["content"]:
            raise Refused(f"The content field in the Message object at messages.{at} is empty.")
        for part in message["content"]:
            if part.get("text", "x").strip() == "":
                raise Refused("The text field in the ContentBlock object is blank.")
        documents = any("document" in part for part in message["content"])
        if documents and not any("text" in part or "toolResult" in part for part in message["content"]):
            raise Refused("A text block must accompany a document.")


def _tools(messages: list[dict[str, Any]], body: dict[str, Any]) -> None:
    called: list[str] = []
    used = False
    for message in messages:
        results = [part["toolResult"]["toolUseId"] for part in message["content"] if "toolResult" in part]
        if sorted(results) != sorted(called):
            raise Refused("Expected toolResult blocks for exactly the toolUse blocks of the turn before.")
        called = [part["toolUse"]["toolUseId"] for part in message["content"] if "toolUse" in part]
        used = used or bool(called)
    if used and not body.get("toolConfig", {}).get("tools"):
        raise Refused("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
