"""Every recorded answer becomes a valid OpenAI answer that counts as the provider did; every request is expressible."""

from collections import Counter

import pytest

from tests.recordings import counts, outcome
from tests.recordings.reading import FOLDER, Exchange
from tests.recordings.scope import reason
from tests.recordings.sources import SOURCES, Source

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="the recordings lie beside the checkout")
GOOD = [(source, each) for source in SOURCES for each in source.exchanges() if each.status == 200]


def name(value: object) -> str:
    return value.name if isinstance(value, Source | Exchange) else str(value)


@pytest.mark.parametrize(("source", "exchange"), GOOD, ids=name)
def test_a_recorded_answer_is_a_valid_openai_answer_with_the_providers_own_count(
    source: Source, exchange: Exchange
) -> None:
    said = outcome.reply(source, exchange)
    assert not said or reason(said), said


@pytest.mark.parametrize(("source", "exchange"), [(s, e) for s, e in GOOD if s.reads and e.request], ids=name)
def test_a_recorded_request_is_expressible_or_out_of_scope_for_a_reason(source: Source, exchange: Exchange) -> None:
    said = outcome.request(source, exchange)
    assert not said or reason(said), said


def test_every_source_has_recordings() -> None:
    assert not {source.name for source in SOURCES} - set(Counter(source.name for source, _ in GOOD))


def test_every_folder_on_file_is_gone_through_or_left_for_a_reason() -> None:
    through = {
        "bedrock",
        "gemini",
        "vertex",
        "groq",
        "azure",
        "bedrock-mantle",
        "openai",
        "anthropic",
        "openai-compatible",
    }
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir()} - {"licenses"}
    assert folders <= through | counts.BEYOND.keys()
