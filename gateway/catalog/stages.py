"""The contract of a stage: a step that requests of a model pass before an endpoint is chosen, and replies on their way.

Rule: a stage decides, at once; gateway/proxy/stages.py does what it decided. Which models have which stages is compiled
into the catalog, so that a model without any pays one look.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping

import msgspec

from backends.contract.adapter import Adapter, Incoming
from backends.contract.decoder import Decoder
from gateway.catalog.error_response import ErrorResponse
from gateway.catalog.keys import Key
from gateway.config.schema import Config
from policies.selection.model import Model
from policies.vocabulary.types import NO_USAGE, Request, Usage


class Passing(msgspec.Struct, frozen=True):
    """A request before its plan. ``given``: the client's headers, by lower-case names; ``adapters``: by endpoint."""

    incoming: Incoming
    model: Model
    key: Key
    given: Mapping[bytes, bytes]
    config: Config
    adapters: Mapping[tuple[str, str], Adapter]


class GoOn(msgspec.Struct, frozen=True):
    """To the next stage, and then to the plan; with another request, or another body, where one is given."""

    request: Request | None = None
    body: bytes | None = None


class HoldUntil(msgspec.Struct, frozen=True):
    """Wait for ``ready``, whose result is the decision that follows; after ``seconds`` it is ``late()`` instead.

    ``kind`` says what is waited for: the label it is counted by. ``ready`` is cancelled when the client leaves.
    """

    kind: str
    ready: Awaitable["Decision"]
    seconds: float
    late: Callable[[], "Decision"]


class AnswerWith(msgspec.Struct, frozen=True):
    """Send this and plan nothing. A streamed answer is a body of events with their content type."""

    body: bytes
    content_type: bytes = b"application/json"
    usage: Usage = NO_USAGE


class Refuse(msgspec.Struct, frozen=True):
    """Send an error and plan nothing."""

    response: ErrorResponse


Decision = GoOn | HoldUntil | AnswerWith | Refuse
GO_ON = GoOn()


class Stage:
    """The base of stages: each overrides what it has a say in. ``before`` is not called for models of others, nor is
    ``around``; what is not overridden is never called."""

    def serves(self, config: Config, model: Model) -> bool:
        """Whether requests of a model pass it; called once for each when a configuration is compiled."""
        return True

    def before(self, passing: Passing) -> Decision:
        """What becomes of a request before an endpoint is chosen; ``model`` is the one it asked for."""
        return GO_ON

    def around(self, incoming: Incoming, decoder: Decoder, content_type: bytes) -> Decoder:
        """The reader of one reply, which may change, hold back, or end what passes it. Called for each attempt that is
        answered with a status of 2xx, under the model that serves it (a fallback has its own stages)."""
        return decoder


Stages = Mapping[str, tuple[Stage, ...]]  # by model; those without any are left out


def compiled(stages: tuple[Stage, ...], config: Config, models: Iterable[Model]) -> tuple[Stages, Stages]:
    """Each model's stages before the plan, and around the decoder."""
    served = {model.name: [stage for stage in stages if stage.serves(config, model)] for model in models}
    before = {name: tuple(each for each in of if type(each).before is not Stage.before) for name, of in served.items()}
    around = {name: tuple(each for each in of if type(each).around is not Stage.around) for name, of in served.items()}
    return {name: of for name, of in before.items() if of}, {name: of for name, of in around.items() if of}


class StagedAdapter:
    """An adapter whose replies pass stages, the last of which is the nearest to the client."""

    def __init__(self, adapter: Adapter, stages: tuple[Stage, ...]) -> None:
        self._stages = stages
        self._adapter = adapter
        self.encode = adapter.encode
        self.fault = adapter.fault

    def decoder(self, incoming: Incoming, content_type: bytes) -> Decoder:
        decoder = self._adapter.decoder(incoming, content_type)
        for stage in self._stages:
            decoder = stage.around(incoming, decoder, content_type)
        return decoder
