"""/v1/completions as vLLM answers it: prompts in order, `n` choices each."""

from typing import Any

from backends.engine.errors import Refusal
from backends.engine.generation import Usage
from backends.engine.http import Answer, Request
from backends.engine.logprobs import completion_entry
from backends.engine.prompt import Prompt, plain
from backends.engine.request_plan import Choice, choose
from backends.engine.requests import CompletionRequest, JsonObject, read
from backends.engine.service import DONE, Service, encode, event, new_id, now, usage_object
from backends.engine.text import decode, pieces


def serve_completion(service: Service, request: Request, answer: Answer) -> None:
    asked = read(request.body, CompletionRequest)
    service.check_model(asked.model)
    asked.check()
    prompts = [plain(data) for data in inputs(asked.prompt)]
    choices: list[Choice] = []
    for prompt in prompts:
        room = service.limits.room(prompt, 16 if asked.max_tokens is None else asked.max_tokens)
        choices += choose(prompt, asked, room, service.limits.block_size)
    dialect = CompletionDialect(service.model, asked, prompts, choices)
    service.generate(answer, dialect, choices, asked.n or 1, asked.stream)


def inputs(given: str | list[Any]) -> list[bytes]:
    """The texts of an input: one, a list of them, or the same as token ids."""
    if isinstance(given, str):
        return [given.encode()]
    if given and all(isinstance(item, int) for item in given):
        return [decode(given)]
    if not given or any(isinstance(item, int) for item in given):
        raise Refusal(400, "the input is empty or mixes texts and token ids")
    return [item.encode() if isinstance(item, str) else decode(item) for item in given]


class CompletionDialect:
    def __init__(self, model: str, asked: CompletionRequest, prompts: list[Prompt], choices: list[Choice]) -> None:
        self._model = model
        self._choices = choices
        self._echoes = [prompt.echo if asked.echo else "" for prompt in prompts for _ in range(asked.n or 1)]
        self._logprobs = asked.logprobs
        self._usage = asked.include_usage
        self._id = new_id("cmpl")
        self._created = now()

    def opening(self) -> list[bytes]:
        echoed = [index for index, echo in enumerate(self._echoes) if echo]
        return [event(self._object([self._choice(index, pieces(self._echoes[index]), 0)])) for index in echoed]

    def delta(self, index: int, start: int, end: int, finished: bool) -> list[bytes]:
        choice = self._choices[index]
        runs = [[piece] for piece in choice.pieces[start:end]]
        if finished and (choice.finish != "length" or not runs):
            runs.append([])
        offset = len(self._echoes[index]) + len(choice.text(0, start))
        events: list[bytes] = []
        for number, run in enumerate(runs, 1):
            last = finished and number == len(runs)
            events.append(event(self._object([self._choice(index, run, offset, last)])))
            offset += sum(map(len, run))
        return events

    def closing(self, usage: Usage) -> list[bytes]:
        if not self._usage:
            return [DONE]
        return [event({**self._object([]), "usage": usage_object(usage)}), DONE]

    def body(self, usage: Usage) -> bytes:
        choices = [
            self._choice(index, [*pieces(echo), *choice.pieces], 0, last=True)
            for index, (echo, choice) in enumerate(zip(self._echoes, self._choices, strict=True))
        ]
        return encode({**self._object(choices), "usage": usage_object(usage)})

    def _choice(self, index: int, run: list[str], offset: int, last: bool = False) -> JsonObject:
        choice = self._choices[index]
        return {
            "index": index,
            "text": "".join(run),
            "logprobs": None if self._logprobs is None else completion_entry(run, self._logprobs, offset),
            "finish_reason": choice.finish if last else None,
            "stop_reason": choice.stop if last else None,
        }

    def _object(self, choices: list[JsonObject]) -> JsonObject:
        return {
            "id": self._id,
            "object": "text_completion",
            "created": self._created,
            "model": self._model,
            "choices": choices,
        }
