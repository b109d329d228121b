"""What recording costs. Rule: the metrics' own code alone, over outcomes as they come; best of several rounds.

python -m bench.metrics
"""

import time

from gateway.recording.metrics import Metrics
from policies.attempts.attempt_record import AttemptRecord
from policies.attempts.outcome import Outcome
from policies.vocabulary.failure import Failure, Fault
from policies.vocabulary.types import Price, Usage

REQUESTS = 20_000
ROUNDS = 9
PLACES = 4
LIMIT = 5.0  # us a request


def outcomes(kinds: bool) -> list[Outcome]:
    """All of one model, place and key; or ``kinds``: of two, four and eight, streamed and whole, and one in a hundred
    was tried twice, one in fifty failed."""
    made = []
    for n in range(REQUESTS):
        tokens = 1000 + n % 97
        if not kinds:
            n = 1
        place = f"pool-{n % PLACES}"
        outcome = Outcome(b"req_%d" % n, "chat", 10.0)
        outcome.model, outcome.key, outcome.stream = f"model-{n % 2}", f"key-{n % 8}", n % 3 > 0
        outcome.deployment, outcome.endpoint, outcome.attempts, outcome.status = place, f"http://{place}", 1, 200
        outcome.usage, outcome.policy, outcome.signal = Usage(tokens, 200, 400, "upstream"), "order", "scraped"
        outcome.first_token, outcome.finished, outcome.waited = 10.2, 12.0, 0.199
        if n % 100 == 0:
            outcome.tries = (AttemptRecord("pool-9", "e", 10.0, 10.1, "overloaded", "first", "scraped"),)
            outcome.attempts, outcome.reason = 2, "fallback"
        if n % 50 == 0:
            outcome.fault = Fault(Failure.BROKEN_STREAM, "cut")
        made.append(outcome)
    return made


def cost(made: list[Outcome]) -> float:
    """CPU microseconds for each: what other processes take meanwhile is not counted."""
    price = Price(0.15, 0.6, 0.075)
    metrics = Metrics(lambda _: price)
    record, attempt = metrics.record, metrics.attempt
    started = time.process_time()
    for each in made:
        attempt(((each.deployment, each.endpoint), "chat", each.fault))
        record(each)
    metrics.fold()
    return (time.process_time() - started) / len(made) * 1e6


def main() -> int:
    worst = 0.0
    for kinds, told in ((False, "all alike"), (True, "of many kinds")):
        made = outcomes(kinds)
        best = min(cost(made) for _ in range(ROUNDS))
        worst = max(worst, best)
        print(f"{best:.2f} us of CPU to record a request, {told} (best of {ROUNDS} rounds; at most {LIMIT:g})")
    return 0 if worst <= LIMIT else 1


if __name__ == "__main__":
    raise SystemExit(main())
