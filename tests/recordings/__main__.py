"""The table of counts: `python -m tests.recordings`."""

from collections import Counter

from tests.recordings import counts

print("| source | answers | streamed | read without a fault | requests | expressed | out of scope |")
print("|---|--:|--:|--:|--:|--:|--:|")
reasons: Counter[str] = Counter()
for row in counts.rows():
    out = row.requests - row.expressed
    reasons.update(row.reasons)
    print(f"| {row.name} | {row.answers} | {row.streamed} | {row.read} | {row.requests} | {row.expressed} | {out} |")
print("\nRead with a fault: an error within a 200 (a call that the provider itself found unusable).")
print("Out of scope:", ", ".join(f"{why} ({count})" for why, count in reasons.most_common()))
for folder, count, why in counts.beyond():
    print(f"Not gone through: {folder} ({count} calls): {why}")
