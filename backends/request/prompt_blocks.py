"""Prompt blocks: a prompt's bytes as block names; equal names mean equal prompts up to there.

An engine caches what its chat template makes of a body. The template is not known here, but what comes first in it is:
tools, then system prompt, then messages. So prompts that begin alike there begin alike in the cache.
"""

from backends.contract.facts import Facts

BLOCK = 512  # bytes, about 128 tokens: small against what is worth routing for, large against the cost of a name
MOST = 4096  # blocks; what comes after 2 MiB decides nothing


_READ = ("tools", "system", "instructions", "messages", "prompt", "input")  # in the order of a chat template


def prompt_blocks(facts: Facts) -> tuple[int, ...]:
    """The names of a body's full blocks, in order; empty where its prompt has less than one.

    A name is valid in this process only: Python's own keyed hash, chained.
    """
    fields = facts.fields
    data = b"".join(bytes(fields[each]) for each in _READ if each in fields)
    name, names = hash(bytes(fields.get("cache_salt", b""))), []
    for start in range(0, min(len(data), MOST * BLOCK) - BLOCK + 1, BLOCK):
        name = hash((name, data[start : start + BLOCK]))
        names.append(name)
    return tuple(names)
