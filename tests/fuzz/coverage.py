"""Coverage-guided fuzzing. Rule: the same targets, fed by what reaches new code; a run ends after ``-runs=N`` inputs.

    python -m tests.fuzz.coverage json_body CORPUS -runs=100000 -seed=1

CORPUS is a folder: it keeps what reached new code, so that a later run begins where this one ended.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["backends"]):
    from tests.fuzz import samples, targets

Target = Callable[[bytes], None]


def cut(data: bytes) -> list[bytes]:
    """Two packets: the first byte says where the seam is."""
    at = data[0] % len(data) if data else 0
    return [part for part in (data[1:at], data[max(at, 1) :]) if part]


TARGETS: dict[str, tuple[Target, tuple[bytes, ...]]] = {
    "json_body": (targets.json_body, samples.BODIES),
    "form_body": (targets.form_body, samples.FORMS),
    "stream": (lambda data: targets.stream(cut(data)), samples.CHAT + samples.TYPED),
    "answer": (targets.answer, samples.ERRORS),
    "refusal": (lambda data: targets.refusal(429, data[:20], data), samples.ERRORS),
    "reply": (lambda data: targets.reply(cut(data)), samples.REPLIES),
}


def main(name: str, corpus: str, options: list[str]) -> None:
    target, seeds = TARGETS[name]
    for number, seed in enumerate(seeds):
        Path(corpus, f"seed-{number}").write_bytes(seed)
    atheris.Setup([sys.argv[0], "-rss_limit_mb=4096", "-timeout=20", *options, corpus], target)
    atheris.Fuzz()  # does not return


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
