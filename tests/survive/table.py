"""The faults. Rule: one row for each way an upstream can fail; tests and docs/resilience.md are both made from it."""

from collections.abc import Callable
from enum import Enum

import msgspec

from policies.vocabulary.failure import Failure
from tests.contracts.scripted import Script
from tests.survive import scripts as s
from tests.survive.speech import CHUNKED, STREAMED, WHOLE

F = Failure
BOTH = WHOLE + STREAMED


class Ends(Enum):
    """What the caller sees where another endpoint can answer."""

    RESCUED = "the next endpoint's whole answer"
    AGAIN = "the same endpoint's answer, on a retry"
    SERVED = "its answer, whole"
    BROKEN = "the text so far, then an in-band error and no terminator"
    PASSED = "the upstream's own refusal, as it is"


class Row(msgspec.Struct, frozen=True):
    """One fault.

    ``failure``: what it is called here; None: nothing failed. ``knob``: the configuration that rules it. ``kinds``: the
    (family, streamed) pairs it can happen to. ``script``: for such a pair, what the upstream does. ``url``: where the
    upstream is, where nothing of ours can play it. ``retry_after``: seconds the caller is told when all fail.
    """

    name: str
    did: str
    failure: Failure | None
    ends: Ends
    knob: str
    script: Callable[[str, bool], Script] | None = None
    kinds: tuple[tuple[str, bool], ...] = BOTH
    url: str = ""
    retry_after: int | None = None


RETRY, WAIT, FALL = "`retry.attempts`, `retry.budget`", "`retry.max_retry_after`", "tiers, `fallbacks`"
TABLE = (
    # Rate limits
    Row("429-seconds", "429, `retry-after: 60`", F.RATE_LIMITED, Ends.RESCUED, WAIT, s.limited("retry-after: 60"),
        retry_after=60),
    Row("429-date", "429, `retry-after` as a date", F.RATE_LIMITED, Ends.RESCUED, WAIT, s.limited(*s.IN_A_MINUTE),
        retry_after=60),
    Row("429-ms", "429, `retry-after-ms: 60000`", F.RATE_LIMITED, Ends.RESCUED, WAIT,
        s.limited("retry-after-ms: 60000"),
        retry_after=60),
    Row("429-reset", "429, a spent `x-ratelimit-remaining-*` with its reset", F.RATE_LIMITED, Ends.RESCUED, WAIT,
        s.limited("x-ratelimit-remaining-tokens: 0", "x-ratelimit-reset-tokens: 1m0s"), retry_after=60),
    Row("429-retry-info", "429, the delay in the body (`RetryInfo`)", F.RATE_LIMITED, Ends.RESCUED, WAIT,
        s.retry_info("60s"), retry_after=60),
    Row("429-words", "429, the delay in the message's words", F.RATE_LIMITED, Ends.RESCUED, WAIT,
        s.limited(message="Rate limit reached. Please try again in 1m0s."), retry_after=60),
    Row("429-short", "429 with a short delay, then well", F.RATE_LIMITED, Ends.AGAIN, WAIT,
        s.first(s.limited("retry-after-ms: 30"))),
    Row("429-bare", "429 that names no delay", F.RATE_LIMITED, Ends.RESCUED, "`retry.base`, `retry.cap`", s.limited(),
        (("chat", True), ("completions", False), ("embeddings", False)),  # each waits for the domain to cool
        retry_after=1),
    Row("429-quota", "429 `insufficient_quota`", F.RATE_LIMITED, Ends.RESCUED, FALL,
        s.limited(code="insufficient_quota")),
    Row("402", "402: the account is spent", F.RATE_LIMITED, Ends.RESCUED, FALL, s.status(402)),
    # Its own trouble
    Row("503", "503: it admits no more", F.OVERLOADED, Ends.RESCUED, FALL, s.status(503), retry_after=1),
    Row("529", "529: overloaded", F.OVERLOADED, Ends.RESCUED, FALL, s.status(529), retry_after=1),
    Row("500", "500", F.SERVER_ERROR, Ends.RESCUED, RETRY, s.status(500)),
    Row("502-page", "502 with a proxy's HTML page", F.SERVER_ERROR, Ends.RESCUED, RETRY, s.page(502)),
    Row("500-once", "500 once, then well", F.SERVER_ERROR, Ends.AGAIN, RETRY, s.first(s.status(500))),
    Row("401", "401: this gateway's credential is refused", F.AUTH, Ends.RESCUED, "`api_key`", s.status(401)),
    Row("404", "404: it has no such model", F.NOT_FOUND, Ends.RESCUED, "the deployment's `model`", s.status(404)),
    # The connection
    Row("refused", "its port is closed", F.UNREACHABLE, Ends.RESCUED, "`breaker`", url="http://127.0.0.1:9/v1"),
    Row("dns", "its name does not resolve", F.UNREACHABLE, Ends.RESCUED, "`base_url`", url="http://nowhere.invalid/v1"),
    Row("bad-tls", "a certificate nobody vouches for", F.UNREACHABLE, Ends.RESCUED, "`base_url`", url="self-signed"),
    Row("no-tls", "plain text where TLS is spoken", F.UNREACHABLE, Ends.RESCUED, "`base_url`", url="not-tls"),
    Row("mute-tls", "a handshake that never ends", F.TIMEOUT_CONNECT, Ends.RESCUED, "`timeouts.connect`",
        url="mute-tls"),
    Row("reset", "a reset before its headers", F.BROKEN_STREAM, Ends.RESCUED, RETRY, s.reset),
    Row("closed", "a close before its headers", F.BROKEN_STREAM, Ends.RESCUED, RETRY, s.closed),
    Row("reset-once", "a reset, then well", F.BROKEN_STREAM, Ends.AGAIN, RETRY, s.first(s.reset)),
    Row("reset-after-headers", "a reset after its headers", F.BROKEN_STREAM, Ends.RESCUED, RETRY,
        s.headers_then(s.drop)),
    Row("half", "half a body, then a close", F.BROKEN_STREAM, Ends.RESCUED, RETRY, s.half, WHOLE),
    # Silence
    Row("silent", "silence", F.TIMEOUT_RESPONSE, Ends.RESCUED, "`timeouts.response`", s.silent, WHOLE),
    Row("silent-stream", "silence", F.TIMEOUT_TTFT, Ends.RESCUED, "`timeouts.ttft`", s.silent, STREAMED),
    Row("slow-first-token", "headers, and nothing said", F.TIMEOUT_TTFT, Ends.RESCUED, "`timeouts.ttft`",
        s.headers_then(s.waits), STREAMED),
    Row("only-pings", "headers and pings, and nothing said", F.TIMEOUT_TTFT, Ends.RESCUED, "`timeouts.ttft`",
        s.only_pings, STREAMED),
    Row("stall", "text, then silence", F.STREAM_IDLE, Ends.BROKEN, "`timeouts.stream_idle`", s.stalls, STREAMED),
    Row("stall-pings", "text, then pings (they do not count)", F.STREAM_IDLE, Ends.BROKEN, "`timeouts.stream_idle`",
        s.stalls_pinging, STREAMED),
    Row("half-silent", "half a body, then silence", F.STREAM_IDLE, Ends.RESCUED, "`timeouts.stream_idle`",
        s.half_silent, WHOLE),
    # Cut streams
    Row("cut-early", "a stream cut before any text", F.BROKEN_STREAM, Ends.RESCUED, RETRY, s.cut("before"), STREAMED),
    Row("cut", "a stream cut after some text", F.BROKEN_STREAM, Ends.BROKEN, "`recovery`", s.cut("before", "text"),
        STREAMED),
    Row("cut-in-event", "a stream cut inside an event", F.BROKEN_STREAM, Ends.BROKEN, "`recovery`", s.cut_in_event,
        STREAMED),
    Row("ends-early", "a stream that ends in order, but unfinished", F.BROKEN_STREAM, Ends.BROKEN, "`recovery`",
        s.says("before", "text"), STREAMED),
    Row("done-early", "`[DONE]` and nothing said", F.BROKEN_STREAM, Ends.RESCUED, RETRY,
        s.says("before", "done"), CHUNKED),
    Row("done-unfinished", "`[DONE]` without a finish_reason", F.BROKEN_STREAM, Ends.BROKEN, "`recovery`",
        s.says("before", "text", "done"), CHUNKED),
    Row("half-the-choices", "an end while one of two choices is unfinished", F.BROKEN_STREAM, Ends.BROKEN, "`recovery`",
        s.half_the_choices, CHUNKED),
    Row("no-done", "no `[DONE]` after the finish_reason", None, Ends.SERVED, "",
        s.says("before", "text", "last"), CHUNKED),
    # What is said
    Row("malformed-event", "an event that is not JSON, then on", None, Ends.SERVED, "", s.malformed_inside, STREAMED),
    Row("malformed-end", "an event that is not JSON, then the end", F.MALFORMED, Ends.BROKEN, "`recovery`",
        s.malformed_end, STREAMED),
    Row("malformed-stream", "events none of which is JSON", F.MALFORMED, Ends.RESCUED, FALL, s.malformed, STREAMED),
    Row("error-first", "200, then an error as the first event", F.SERVER_ERROR, Ends.RESCUED, RETRY,
        s.in_band(), STREAMED),
    Row("error-early", "200, then an error before any text", F.SERVER_ERROR, Ends.RESCUED, RETRY, s.in_band("before"),
        STREAMED),
    Row("error-late", "200, text, then an error, then the end all the same", F.SERVER_ERROR, Ends.BROKEN, "`recovery`",
        s.in_band("before", "text"), STREAMED),
    Row("limit-late", "200, text, then a rate limit", F.RATE_LIMITED, Ends.BROKEN, "`recovery`", s.limit_late, CHUNKED),
    Row("error-body", "200 with an error for a body", F.SERVER_ERROR, Ends.RESCUED, RETRY, s.error_body, WHOLE),
    Row("limit-in-200", "200 with a rate limit for a body", F.RATE_LIMITED, Ends.RESCUED, WAIT, s.limit_body,
        retry_after=60),
    Row("empty", "200 with no body", F.MALFORMED, Ends.RESCUED, FALL, s.empty(b"", "application/json"), WHOLE),
    Row("empty-object", "200 with `{}`", F.MALFORMED, Ends.RESCUED, FALL, s.empty(b"{}", "application/json"), WHOLE),
    Row("empty-stream", "200 with no events", F.BROKEN_STREAM, Ends.RESCUED, RETRY, s.empty(b"", "text/event-stream"),
        STREAMED),
    Row("204", "204", F.MALFORMED, Ends.RESCUED, FALL, s.no_content),
    Row("page", "200 with an HTML page", F.MALFORMED, Ends.RESCUED, FALL, s.page(200)),
    Row("not-a-stream", "a whole answer where a stream was asked for", F.MALFORMED, Ends.RESCUED, FALL, s.not_a_stream,
        STREAMED),
    Row("stream-unasked", "a stream where none was asked for", F.MALFORMED, Ends.RESCUED, FALL, s.stream_unasked,
        tuple((family, False) for family, _ in STREAMED)),
    # What is no answer at all
    Row("redirect", "a redirect to itself, for ever", F.MALFORMED, Ends.RESCUED, "`base_url`", s.redirect),
    Row("endless-header", "headers without end", F.MALFORMED, Ends.RESCUED, FALL, s.endless_header),
    Row("endless-100", "`100 Continue` without end", F.MALFORMED, Ends.RESCUED, FALL, s.endless_100),
    Row("endless-trailer", "trailers without end", F.MALFORMED, Ends.RESCUED, FALL, s.endless_trailer, WHOLE),
    Row("endless-pings", "a torrent of pings", F.MALFORMED, Ends.RESCUED, FALL, s.endless_pings, STREAMED),
    Row("gzip-bomb", "a gzip bomb, unasked", F.MALFORMED, Ends.RESCUED, FALL, s.gzip_bomb),
    Row("not-http", "bytes that are not HTTP", F.MALFORMED, Ends.RESCUED, FALL, s.not_http),
    Row("odd-status", "a status that HTTP does not have", F.MALFORMED, Ends.RESCUED, FALL, s.odd_status),
    Row("upgrade", "101 to another protocol", F.MALFORMED, Ends.RESCUED, FALL, s.switches),
    Row("bad-chunk", "a chunk whose size is no number", F.MALFORMED, Ends.RESCUED, FALL, s.bad_chunk),
    # The request's own
    Row("bad-request", "400: a field it refuses", F.BAD_REQUEST, Ends.PASSED, "", s.status(400)),
    Row("context", "400: the prompt is too long", F.CONTEXT_TOO_LONG, Ends.PASSED, "`context_window_fallbacks`",
        s.status(400, code="context_length_exceeded")),
    Row("filter", "400: its content filter refuses", F.CONTENT_FILTERED, Ends.PASSED, "`content_policy_fallbacks`",
        s.status(400, code="content_filter")),
)  # fmt: skip
