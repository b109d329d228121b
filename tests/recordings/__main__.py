"""The table of counts: `python -m tests.recordings`."""

from collections import Counter

from tests.recordings import outcome
from tests.recordings.scope import reason
from tests.recordings.sources import SOURCES

print("| source | answers | of them streamed | requests | expressible | out of scope |\n|---|--:|--:|--:|--:|--:|")
scope: Counter[str] = Counter()
for source in SOURCES:
    good = [each for each in source.exchanges() if each.status == 200]
    asked = [each for each in good if source.reads and each.request]
    said = [outcome.request(source, each) for each in asked]
    scope.update(reason(each) for each in said if each)
    for each in good:
        outcome.reply(source, each)
    streamed = sum(each.streamed for each in good)
    print(f"| {source.name} | {len(good)} | {streamed} | {len(asked)} | {said.count('')} | {sum(map(bool, said))} |")
print("\nOut of scope:", ", ".join(f"{why} ({count})" for why, count in scope.items()))
