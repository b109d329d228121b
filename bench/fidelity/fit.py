"""Fitting a profile. Rule: an engine with nobody else on it is asked for one thing at a time, and timed from outside.

    python -m bench.fidelity.fit http://127.0.0.1:8000 MODEL > profile.yaml    # an idle engine of yours
    cloverleaf simulate CONFIG --trace FILE --profile profile.yaml

Six times are fitted; the four capacities are the engine's own flags, and are given.
"""

import argparse
import asyncio
import itertools
import statistics
from collections.abc import Iterator

import msgspec
import yaml

from backends.engine.profile import Profile
from bench.fidelity.least_squares import fit
from bench.fidelity.play import Heard, ask, body
from gateway.simulate.trace import Arrival
from policies.learning.pace import pace

LENGTHS = (64, 256, 512, 1024, 1536, 2048, 3072, 4096)  # prompt tokens
TIMES = 5  # each length
BATCHES, CONTEXTS = (1, 2, 4, 8, 16), (64, 1024, 3072)
ANSWER = 48  # tokens that a batch decodes


class Bench:
    """One engine, asked directly. Every prompt is new unless it is asked for again."""

    def __init__(self, url: str, model: str, block: int) -> None:
        self._url, self._model, self._block = url, model, block
        self._names: Iterator[int] = itertools.count(1 << 30)

    def arrival(self, tokens: int, output: int) -> Arrival:
        blocks = tuple(itertools.islice(self._names, -(-tokens // self._block)))
        return Arrival(0.0, tokens, output, blocks)

    async def ask(self, *arrivals: Arrival) -> list[Heard]:
        """All at once."""
        heard = [Heard(each) for each in arrivals]
        asked = [ask(one, self._url, body(one.arrival, self._model, self._block)) for one in heard]
        await asyncio.gather(*asked)
        for one in heard:
            if one.fault:
                raise SystemExit(f"{self._url}: {one.fault}")
        return heard

    async def fill(self, tokens: int) -> None:
        """Go through the whole cache once: on a virtual machine, memory is slow when it is first touched."""
        for _ in range(-(-tokens // (4 * LENGTHS[-1]))):
            await self.ask(*(self.arrival(LENGTHS[-1], 1) for _ in range(4)))


async def prefill(bench: Bench) -> list[float]:
    """Base, per token, per token squared."""
    rows, seen = [], []
    for tokens in LENGTHS:
        found = [(await bench.ask(bench.arrival(tokens, 1)))[0].ttft for _ in range(TIMES)]
        rows.append((1.0, float(tokens), float(tokens) ** 2))
        seen.append(statistics.median(found))
    return fit(rows, seen)


async def decode(bench: Bench) -> list[float]:
    """Base, per sequence, per token of context. Prompts are in the cache, so that all decode from the start."""
    rows, seen = [], []
    for batch, tokens in itertools.product(BATCHES, CONTEXTS):
        arrivals = [bench.arrival(tokens, ANSWER) for _ in range(batch)]
        for each in arrivals:
            await bench.ask(msgspec.structs.replace(each, output_tokens=1))
        heard = await bench.ask(*arrivals)
        rows.append((1.0, float(batch), float(batch * (tokens + ANSWER / 2))))
        seen.append(statistics.median(pace(one.ttft, one.total, ANSWER) or 0.0 for one in heard))
    return fit(rows, seen)


async def fitted(url: str, model: str, capacities: Profile) -> Profile:
    bench = Bench(url, model, capacities.block_size)
    await bench.fill(capacities.num_blocks * capacities.block_size)
    base, token, squared = await prefill(bench)
    step, sequence, context = await decode(bench)
    return msgspec.structs.replace(
        capacities,
        prefill_base=base,
        prefill_per_token=token,
        prefill_per_token_squared=squared,
        decode_base=step,
        decode_per_sequence=sequence,
        decode_per_context_token=context,
    )


def written(profile: Profile) -> str:
    """The profile's file."""
    return yaml.safe_dump(msgspec.to_builtins(profile), sort_keys=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="the engine's root")
    parser.add_argument("model")
    for name in ("block_size", "num_blocks", "max_num_seqs", "max_num_batched_tokens"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(Profile(), name))
    args = vars(parser.parse_args())
    url, model = args.pop("url"), args.pop("model")
    print(written(asyncio.run(fitted(url, model, Profile(**args)))), end="")


if __name__ == "__main__":
    main()
