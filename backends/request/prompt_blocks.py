"""Prompt blocks: a prompt's bytes as block names; equal names mean equal prompts up to there.

An engine caches what its chat template makes of a body. The template is not known here, but what comes first in it is:
tools, then system prompt, then messages. So prompts that begin alike there begin alike in the cache.
"""

from hashlib import sha256

import msgspec

BLOCK = 512  # bytes, about 128 tokens: small against what is worth routing for, large against the cost of a name
MOST = 4096  # blocks; what comes after 2 MiB decides nothing


class _Body(msgspec.Struct):
    cache_salt: msgspec.Raw = msgspec.Raw()
    tools: msgspec.Raw = msgspec.Raw()
    system: msgspec.Raw = msgspec.Raw()
    instructions: msgspec.Raw = msgspec.Raw()
    messages: msgspec.Raw = msgspec.Raw()
    prompt: msgspec.Raw = msgspec.Raw()
    input: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Body).decode


def prompt_blocks(body: bytes) -> tuple[int, ...]:
    """The names of a JSON body's full blocks, in order; empty where it is no JSON or has less than one.

    A name is 64 bits of SHA-256 over all bytes up to the block's end: the same in every process, today and tomorrow.
    """
    try:
        fields = _decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ()
    said = (fields.tools, fields.system, fields.instructions, fields.messages, fields.prompt, fields.input)
    data = memoryview(b"".join(map(bytes, said)))
    begun, names = sha256(b"%b\0" % bytes(fields.cache_salt)), []
    for start in range(0, min(len(data), MOST * BLOCK) - BLOCK + 1, BLOCK):
        begun.update(data[start : start + BLOCK])
        names.append(int.from_bytes(begun.digest()[:8], "little"))
    return tuple(names)
