"""How long answers will be is learned by model, and by what their callers allow."""

from policies.vocabulary.types import Request, Usage
from tests.gateway.state.world import serving
from tests.policies.world import NOW, ask, model, pool


def test_callers_that_allow_much_are_told_from_those_that_allow_little() -> None:
    made = pool("gpu", 1, own=True)
    asked = model("m", made, kind="slo_cost")
    live, places = serving(asked, made)

    def foreseen(max_tokens: int | None, seed: int = 0) -> Request:
        return live.predictions.foreseen(ask(seed, max_tokens=max_tokens, stream=True), asked)

    for n in range(200):
        allowed, tokens = ((20, 10), (4000, 800))[n % 2]
        request = foreseen(allowed, n + 1)
        live.counters.enter(places[0], 10, "chat", NOW)
        live.counters.hold(places[0], request, NOW)
        live.counters.committed(places[0], request, 0.1, NOW, NOW + 0.1)
        live.counters.answered(places[0], request, Usage(10, tokens, 0, "upstream"), NOW, NOW + 1)
        live.counters.leave(places[0], request)
    assert foreseen(20).expected_output <= 14
    assert 600 <= foreseen(4000).expected_output <= 1000
    assert 300 <= foreseen(None).expected_output <= 500, "who says nothing gets the model's own mean"
    assert foreseen(16).expected_output <= 16, "never more than is allowed"
