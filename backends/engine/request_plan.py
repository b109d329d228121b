"""What a request will be answered, decided before it is queued; the model decides only when."""

import msgspec

from backends.engine.errors import Refusal
from backends.engine.prompt import Prompt
from backends.engine.requests import Sampled
from backends.engine.sequence import Work
from backends.engine.text import block_keys, count_tokens, natural_length, pieces, voice, words

NOTHING = Work(0, 0)


class Call(msgspec.Struct, frozen=True):
    """A tool call; its arguments are the choice's text."""

    id: str
    name: str


class Script(msgspec.Struct, frozen=True):
    """A text that is not random: JSON that was requested, or the arguments of a call."""

    text: str
    call: Call | None = None


class Choice(msgspec.Struct):
    """One answer: a piece of text for every token, and why it ends."""

    pieces: list[str]
    finish: str
    stop: str | None = None
    work: Work = NOTHING
    call: Call | None = None

    def text(self, start: int = 0, end: int | None = None) -> str:
        return "".join(self.pieces[start:end])


class Limits(msgspec.Struct, frozen=True):
    max_model_len: int
    block_size: int

    def room(self, prompt: Prompt, wanted: int | None) -> int:
        """How many tokens may be generated, or the refusal that vLLM gives."""
        room = self.max_model_len - prompt.tokens
        if room < 1:
            raise Refusal(
                400,
                f"This model's maximum context length is {self.max_model_len} tokens. However, your request has "
                f"{prompt.tokens} input tokens. Please reduce the length of the input messages.",
                "input_tokens",
            )
        if wanted is not None and wanted > room:
            raise Refusal(
                400,
                f"'max_tokens' or 'max_completion_tokens' is too large: {wanted}. This model's maximum context "
                f"length is {self.max_model_len} tokens and your request has {prompt.tokens} input tokens.",
                "max_tokens",
            )
        return room if wanted is None else wanted


def choose(prompt: Prompt, sampling: Sampled, room: int, block_size: int, script: Script | None = None) -> list[Choice]:
    """The `n` choices for a prompt, at most `room` tokens each, of generated words or the script's."""
    choices = []
    for number in range(sampling.n or 1):
        text = script.text if script else _spoken(prompt, sampling, room, number)
        choice = _choice(prompt, sampling, room, text)
        data, salt = prompt.data + choice.text().encode(), sampling.cache_salt or ""
        keys = block_keys(data, block_size, salt)
        choice.work = Work(
            prompt_tokens=prompt.tokens,
            output_tokens=len(choice.pieces),
            keys=keys,
            finish=choice.finish,
            data=data,
            salt=salt,
        )
        choice.call = script.call if script else None
        choices.append(choice)
    return choices


def _choice(prompt: Prompt, sampling: Sampled, room: int, text: str) -> Choice:
    """What of a text is still to be said, cut at a stop string or at the room there is."""
    rest = text.encode()[len(prompt.said) :].decode(errors="ignore")
    parts = pieces(rest) or [""]
    heard, stop = _cut("".join(parts[:room]), sampling.stops)
    if stop is not None:
        return Choice(pieces(heard) or [""], "stop", stop)
    return Choice(parts[:room], "stop" if len(parts) < room else "length")


def _spoken(prompt: Prompt, sampling: Sampled, room: int, number: int) -> str:
    """The voice's text from its very beginning, what was already said included."""
    key = voice(prompt.source, sampling.seed or 0, number)
    said = count_tokens(prompt.said)
    length = max(natural_length(key), said + (sampling.min_tokens or 0))
    return words(key, said + room if sampling.ignore_eos else min(length, said + room))


def _cut(text: str, stops: list[str]) -> tuple[str, str | None]:
    found = [(text.find(stop), stop) for stop in stops if stop and stop in text]
    if not found:
        return text, None
    at, stop = min(found)
    return text[:at], stop
