"""The ledger's rows: names, counts, times and money; never a prompt, an answer or a credential.

The tables' columns are these structs' fields, so a field added here is a column added to every ledger that is opened.
What most requests have nothing of is None: it costs one byte.
"""

from typing import get_type_hints

import msgspec


class Row(msgspec.Struct, frozen=True):
    """One request. Durations are seconds, money USD; None: not known, or there was none.

    id: Its x-request-id.
    time: When it ended, in seconds since the epoch.
    family: Endpoint family: chat, completions, responses, ...
    model: The model of the configuration that served it.
    key: Name of its client's key.
    deployment: Where the attempt that counted was made.
    endpoint: At which address.
    stream: 1 where its answer was streamed.
    status: HTTP status its client got.
    failure: How it failed; empty where it did not.
    attempts: How many were made.
    tried: Deployments of the other attempts.
    duration: From its arrival to its end.
    first_token: From its arrival to the first content.
    overhead: Time of the gateway's own before the first content.
    prompt_tokens: Tokens of the prompt, cached and written ones included.
    cached_tokens: Of these, read from the provider's cache.
    completion_tokens: Tokens of the answer, reasoning included.
    usage: Who counted the tokens: upstream, estimated or none.
    cost: What all its attempts cost, where a price is known.
    policy: Policy by which its place was chosen.
    seed: What random choices were drawn from, in hex.
    itemized: 1 where `charges` has a row for each of its attempts; the tokens here are what its client got.
    mirror: 1 where it is a mirrored copy.
    signal: What the policy's choice was read from.
    reason: Why the attempt that counted was made, where it was not the first.
    cache_write_tokens: Prompt tokens put into the provider's cache.
    cache_write_1h_tokens: Of these, for an hour.
    reasoning_tokens: Answer tokens of reasoning.
    audio_prompt_tokens: Prompt tokens of sound.
    audio_completion_tokens: Answer tokens of sound.
    route: The route that took it.
    recovered: How a stream that broke went on.
    hedged: What became of a second attempt beside the first.
    queued: Time in line for a place.
    tries: The attempts that did not bring the answer, as JSON; their times are seconds since its arrival.
    propensity: Share of other draws that would have chosen the same place, where its decision was recorded.
    predicted_ttft: Time to the first token, as the policy expected it.
    predicted_ttft_p95: The 95th percentile of that.
    predicted_tpot: Time of each further token, as expected.
    predicted_uncached_tokens: Prompt tokens to compute, as expected.
    predicted_completion_tokens: Tokens of the answer, as expected.
    miss_probability: The chance of missing its service level, as expected.
    predicted_gpu_seconds: GPU-seconds, as expected.
    conversation: Stands for its conversation, in hex.
    blocks: Names of its prompt's beginnings, 8 bytes each, that mean nothing outside the process that wrote them.
    block_tokens: Tokens that one of them adds.
    decision: The whole record of its decision, as JSON.
    """

    id: str
    time: float
    family: str
    model: str
    key: str
    deployment: str
    endpoint: str
    stream: bool
    status: int
    failure: str
    attempts: int
    tried: str
    duration: float
    first_token: float | None
    overhead: float
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    usage: str
    cost: float | None
    policy: str = ""
    seed: str = ""
    itemized: bool = False
    mirror: bool = False
    signal: str | None = None
    reason: str | None = None
    cache_write_tokens: int | None = None  # from here on: of few requests, see USUAL
    cache_write_1h_tokens: int | None = None
    reasoning_tokens: int | None = None
    audio_prompt_tokens: int | None = None
    audio_completion_tokens: int | None = None
    route: str | None = None
    recovered: str | None = None
    hedged: str | None = None
    queued: float | None = None
    tries: bytes | None = None
    propensity: float | None = None
    predicted_ttft: float | None = None
    predicted_ttft_p95: float | None = None
    predicted_tpot: float | None = None
    predicted_uncached_tokens: float | None = None
    predicted_completion_tokens: int | None = None
    miss_probability: float | None = None
    predicted_gpu_seconds: float | None = None
    conversation: str | None = None
    blocks: bytes | None = None
    block_tokens: float | None = None
    decision: bytes | None = None


class Charge(msgspec.Struct, frozen=True):
    """One attempt's own tokens, of a request that had more than one attempt that used any; else as of a request.

    request: The request's id.
    end: How the attempt ended: ok, or the code of its failure.
    """

    request: str
    time: float
    model: str
    key: str
    deployment: str
    endpoint: str
    end: str
    prompt_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    cache_write_1h_tokens: int
    reasoning_tokens: int
    audio_prompt_tokens: int
    audio_completion_tokens: int
    completion_tokens: int
    usage: str
    cost: float | None


USUAL = Row.__struct_fields__.index("cache_write_tokens")  # columns that a request as a rule has something of
RARE = Row.__struct_fields__[USUAL:]

_SQL_TYPES = {
    str: "TEXT", float: "REAL", int: "INTEGER", bool: "INTEGER", bytes: "BLOB",
    str | None: "TEXT", float | None: "REAL", int | None: "INTEGER", bytes | None: "BLOB",
}  # fmt: skip


def columns(table: type[Row | Charge]) -> list[tuple[str, str]]:
    """Column name and SQL type, in the struct's order."""
    hints = get_type_hints(table)
    return [(name, _SQL_TYPES[hints[name]]) for name in table.__struct_fields__]
