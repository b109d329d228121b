"""What can befall a call to Google, by name: refusals, answers that end badly, streams that break."""

from typing import Any

import msgspec

from tests.emulators.google_model import Reply


def error(code: int, status: str, message: str, *details: dict[str, Any]) -> dict[str, Any]:
    """An error body."""
    return {"error": {"code": code, "message": message, "status": status, **({"details": details} if details else {})}}


class Fate(msgspec.Struct, frozen=True):
    """``whole``: the status and body it gets instead of an answer. ``finish``, ``blocked``, ``empty``: how the answer
    ends. ``cut_after``: chunks after which a stream breaks, with ``in_band`` as the last word if there is one.
    """

    whole: tuple[int, Any] = (0, None)
    finish: str = ""
    blocked: str = ""
    empty: bool = False
    cut_after: int | None = None
    in_band: dict[str, Any] | None = None

    def reply(self, reply: Reply) -> Reply:
        if self.blocked:
            return msgspec.structs.replace(reply, parts=[], blocked=self.blocked, finish="")
        if self.empty:
            return msgspec.structs.replace(reply, parts=[], finish=self.finish)
        return msgspec.structs.replace(reply, finish=self.finish) if self.finish else reply

    def streamed(self, reply: Reply) -> Reply:
        return self.reply(reply)


def _retry(seconds: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": seconds}


def _quota(id: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": id}]}


_UNAVAILABLE = error(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")

FAULTS = {
    "rate_limited": Fate(
        (429, error(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", _quota("RequestsPerMinute"), _retry("1.500s")))
    ),
    "spent_for_today": Fate(
        (429, error(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", _quota("GenerateRequestsPerDayPerProject")))
    ),
    "exhausted": Fate((429, error(429, "RESOURCE_EXHAUSTED", "Resource exhausted. Please try again later."))),
    "overloaded": Fate((503, _UNAVAILABLE)),
    "internal": Fate((500, error(500, "INTERNAL", "An internal error has occurred."))),
    "late": Fate((504, error(504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."))),
    "too_long": Fate(
        (
            400,
            error(
                400,
                "INVALID_ARGUMENT",
                "The input token count (1200001) exceeds the maximum number of tokens allowed (1048576).",
            ),
        )
    ),
    "bad_key": Fate(
        (
            400,
            error(
                400,
                "INVALID_ARGUMENT",
                "API key not valid. Please pass a valid API key.",
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "API_KEY_INVALID",
                    "domain": "googleapis.com",
                },
            ),
        )
    ),
    "forbidden": Fate((403, error(403, "PERMISSION_DENIED", "Permission denied."))),
    "not_found": Fate((404, error(404, "NOT_FOUND", "models/none is not found for API version v1beta."))),
    "blocked": Fate(blocked="PROHIBITED_CONTENT"),
    "unsafe": Fate(finish="SAFETY"),
    "recitation": Fate(finish="RECITATION"),
    "malformed_call": Fate(finish="MALFORMED_FUNCTION_CALL", empty=True),
    "empty": Fate(finish="STOP", empty=True),
    "nothing": Fate(empty=True),
    "cut": Fate(cut_after=1),
    "cut_at_once": Fate(cut_after=0),
    "broken": Fate(cut_after=1, in_band=_UNAVAILABLE),
    "broken_at_once": Fate(cut_after=0, in_band=_UNAVAILABLE),
}
