"""Schema of an event that names its type: what shows an end, usage or an error, as raw as it may stay."""

import msgspec

from backends.contract.usage import Counted

ABSENT = msgspec.Raw()


class Inner(msgspec.Struct):
    usage: Counted | None = None
    error: msgspec.Raw = ABSENT


class Event(msgspec.Struct):
    type: str = ""
    response: Inner | None = None
    message: Inner | str | None = None
    usage: Counted | None = None
    error: msgspec.Raw = ABSENT
