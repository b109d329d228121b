"""Reasoning signatures carried in ``encrypted_content``, which clients send back."""

from backends.contract.conversation import Thought

SIGNATURE, REDACTED, CALL = "signature", "redacted", "call"


def seal(origin: str, kind: str, proof: str) -> str:
    """The value of ``encrypted_content``. ``kind``: what the proof is, or CALL where the next call's."""
    return f"{origin}:{kind}:{proof}"


def unseal(sealed: str, text: str) -> tuple[Thought, bool]:
    """The thought of a reasoning item, and whether its proof is of the call that follows. Others' is lost."""
    origin, _, rest = sealed.partition(":")
    kind, _, proof = rest.partition(":")
    if kind == REDACTED:
        return Thought(redacted=proof, origin=origin), False
    if kind in (SIGNATURE, CALL):
        return Thought(text, proof, origin=origin), kind == CALL
    return Thought(text), False
