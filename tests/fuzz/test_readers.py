"""Everything that reads bytes, against bent ones: nothing worse comes of them than a refusal with a word to people."""

import pytest

from tests.contracts_providers.harness import Provider
from tests.contracts_providers.rows import PROVIDERS, name
from tests.fuzz import samples, targets
from tests.fuzz.conftest import Rounds
from tests.fuzz.inputs import bent, pieces

DEEP = (b"[" * 100_000, b'{"a":' * 50_000, b'{"model":"m","messages":' + b"[" * 90_000)


def test_json_bodies(rounds: Rounds) -> None:
    for random in rounds(30_000):
        targets.json_body(bent(random, samples.BODIES + samples.STEERED))
    for deep in DEEP:
        targets.json_body(deep)


def test_forms(rounds: Rounds) -> None:
    for random in rounds(10_000):
        targets.form_body(bent(random, samples.FORMS))
        targets.content_type(bent(random, (samples.FORM_TYPE, b'multipart/form-data; x=y; boundary="a b"')))


def test_streams(rounds: Rounds) -> None:
    for random in rounds(5_000):
        targets.stream(pieces(random, bent(random, samples.CHAT + samples.TYPED)))


def test_streams_that_die_and_go_on(rounds: Rounds) -> None:
    for random in rounds(4_000):
        targets.mended(bent(random, samples.CHAT + samples.CALLS), bent(random, samples.CHAT + samples.CALLS))


@pytest.mark.parametrize("provider", PROVIDERS, ids=name)
def test_other_dialects(provider: Provider, rounds: Rounds) -> None:
    streams = tuple(b"".join(case.stream) for case in provider.cases if case.name != "long")
    wholes = tuple(case.whole for case in provider.cases if case.name != "long")
    for random in rounds(2_000):
        family, streamed = random.choice(("chat", "messages", "responses")), random.random() < 0.7
        data = bent(random, streams if streamed else wholes)
        targets.translated(provider, family, pieces(random, data), streamed)


def test_whole_answers(rounds: Rounds) -> None:
    for random in rounds(15_000):
        targets.answer(bent(random, (*samples.BODIES, *samples.ERRORS, samples.ANSWER)))
    for deep in DEEP:
        targets.answer(deep)


def test_refusals(rounds: Rounds) -> None:
    for random in rounds(15_000):
        header = bent(random, samples.HEADERS, most=2)[:500]
        targets.refusal(random.randint(300, 599), header, bent(random, samples.ERRORS))
    for deep in DEEP:
        targets.refusal(400, b"", deep)


def test_replies(rounds: Rounds) -> None:
    for random in rounds(15_000):
        targets.reply(pieces(random, bent(random, samples.REPLIES)))
