"""A decision by itself. Rule: the product's own plan() over places under load; best of many rounds, microseconds.

python -m bench.decision            # by policy and number of endpoints
"""

import random
import time

import msgspec

from backends.contract.facts import Facts
from backends.contract.families import FAMILIES
from gateway.commands.difficulty_examples import examples
from gateway.config.names import PRESETS
from gateway.state.difficulty import DifficultyJudge
from policies.learning.learners.speed import Speed
from policies.learning.predict.latency import LatencyPredictor, LoadFeatures, hardware
from policies.learning.slo.gpu_price import ShadowPrice
from policies.load.breaker import BreakerRules
from policies.load.candidate import Candidate, Pool
from policies.load.load import Domain, Load
from policies.load.retry_budget import RetryBudget
from policies.selection.model import Model, Snapshot
from policies.selection.plan import plan
from policies.selection.presets import preset
from policies.vocabulary.engine_state import EngineLoad
from policies.vocabulary.hashing import digest
from policies.vocabulary.limits import Timeouts
from policies.vocabulary.types import Deployment, Price, Request

SIZES = (4, 64, 1000)
TARGETS = {4: 20.0, 64: 50.0, 1000: 50.0}  # microseconds
PROMPTS = (100, 1000, 10_000)  # characters
HOLDERS = 16  # places that hold the prompt's beginning, as far as they are known
ROUNDS = 40
DECISIONS = 50
NOW = 1000.0


def world(size: int, foreseen: bool = False) -> tuple[Candidate, ...]:
    """One pool of engines under load, scraped and timed, and a cloud behind it."""
    chance = random.Random(size)
    chat = frozenset({"chat"})
    pool, shared = Deployment("pool", "vllm", "m", chat, own=True), Pool()
    places = [place(pool, f"http://gpu-{n}:8000", shared, chance) for n in range(size - 1)]
    cloud = Deployment("cloud", "openai", "m", chat, price=Price(0.15, 0.6))
    both = (*places, place(cloud, "https://api.example.com/v1", Pool(), chance))
    if foreseen:
        foresee(both, chance)
    return both


def place(deployment: Deployment, url: str, pool: Pool, chance: random.Random) -> Candidate:
    load = Load(BreakerRules(), speed=Speed())
    assert load.speed is not None
    load.in_flight = chance.randrange(20)
    load.scraped, load.scraped_at = EngineLoad(running=float(load.in_flight), waiting=0.0, kv_usage=0.4), NOW - 0.5
    for n in range(16):
        load.speed.observe(True, chance.uniform(0.1, 0.4), chance.randrange(20), NOW - 8 + n / 2)
        load.speed.answered(100, chance.uniform(1.0, 4.0), chance.randrange(20), NOW - 8 + n / 2)
    id = (deployment.name, url)
    return Candidate(id, deployment, load, Domain(RetryBudget(), "credential"), pool, digest(*id))


def foresee(places: tuple[Candidate, ...], chance: random.Random) -> None:
    """What `slo_cost` reads: a predictor that has learned, requests under way and waiting, a price of the pool."""
    kinds = {name: hardware(cloud=name == "cloud") for name in ("pool", "cloud")}
    places[0].pool.shadow = ShadowPrice(price=1e-4, updated=NOW)
    for each in places:
        load = each.load
        load.predictor = LatencyPredictor(kinds[each.deployment.name])
        for _ in range(100):
            ahead, running = chance.choice([0, 500, 5000]), chance.randrange(40)
            met = LoadFeatures(chance.uniform(100, 3000), ahead, running, chance.randrange(4), 1000 * running)
            load.predictor.observe_first(met, load.predictor.first_token(met, NOW), chance.uniform(0.1, 1.0), NOW)
            load.predictor.observe_each(met, chance.uniform(0.01, 0.05), NOW)
        for waiting in range(2):
            load.backlog.add(waiting, 500.0, NOW - 0.1)


def microseconds(kind: str, size: int, holders: int = 0) -> float:
    """The best round's mean; so many places hold each prompt's beginning, one as much as the other."""
    policy = preset(kind)
    assert policy is not None
    places = world(size, "foresight" in policy.needs)
    timeouts, by_id = {"pool": Timeouts(), "cloud": Timeouts()}, {c.id: c for c in places}
    model = Model("m", (places,), policy, timeouts, 600.0, places=(by_id,))
    snapshot = Snapshot(NOW, {"m": model})
    chance = random.Random(1)
    asked = Request("chat", "m", True, 900, NOW, late_price=1e-3)
    requests = [
        msgspec.structs.replace(asked, seed=chance.getrandbits(64), sequence=n, conversation=chance.getrandbits(64))
        for n in range(DECISIONS)
    ]
    if holders:
        ids, most = list(by_id), min(holders, size)
        requests = [
            msgspec.structs.replace(each, matched=dict.fromkeys(chance.sample(ids, most), 600)) for each in requests
        ]
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for request in requests:
            plan(request, model, snapshot)
        best = min(best, (time.perf_counter() - started) / DECISIONS)
    return best * 1e6


def reading(size: int) -> float:
    """What `quality` takes before its decision, to read and score a prompt of so many characters; the best round."""
    policy, judge = preset("quality"), DifficultyJudge()
    assert policy is not None
    model = Model("m", (world(4),), policy, {}, 600.0)
    texts = [each.text for each in examples(1, 2)]
    asked = [(text * (1 + size // len(text)))[:size] for text in texts]
    bodies = [msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": text}]}) for text in asked]
    family = FAMILIES[0]
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for body in bodies:
            judge.judged(Facts(family, body), model)
        best = min(best, (time.perf_counter() - started) / len(bodies))
    return best * 1e6


def main() -> None:
    print(f"{'policy':20}" + "".join(f"{size:>9}" for size in SIZES) + "   endpoints, µs a decision")
    print(f"{'(target)':20}" + "".join(f"{TARGETS[size]:>9.0f}" for size in SIZES))
    for kind in sorted(PRESETS):
        print(f"{kind:20}" + "".join(f"{microseconds(kind, size):>9.1f}" for size in SIZES))
    for kind in ("prefix", "slo_cost"):
        print(
            f"{f'{kind}, {HOLDERS} holders':20}"
            + "".join(f"{microseconds(kind, size, HOLDERS):>9.1f}" for size in SIZES)
        )
    print(f"\n{'characters':20}" + "".join(f"{size:>9}" for size in PROMPTS))
    print(f"{'quality, reading':20}" + "".join(f"{reading(size):>9.1f}" for size in PROMPTS))


if __name__ == "__main__":
    main()
