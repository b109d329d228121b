"""Media that a provider does not fetch itself: the attempt there is held until it is fetched."""

from collections.abc import Callable, Mapping
from functools import partial

from backends.contract.adapter import Incoming, Media
from backends.contract.media import Fetcher
from backends.serving.client_apis import remote_media
from gateway.proxy.context import Gateway
from gateway.proxy.hold import Hold
from policies.vocabulary.failure import Failure, Fault

TIME_IS_UP = Fault(Failure.DEADLINE, "the request timed out (timeouts.total)")
_FAILED = Fault(Failure.BAD_REQUEST, "the URLs could not be fetched", param="messages")
Done = Callable[[Fault | None], None]  # gets why there is no media


def fetch(gateway: Gateway, fetcher: Fetcher, incoming: Incoming, seconds: float, done: Done) -> Hold | None:
    """Fetch what a request's URLs hold and is not there yet; None: nothing is missing."""
    missing = tuple(url for url in remote_media(incoming.facts) if url not in incoming.fetched)
    if not missing:
        return None
    gateway.metrics.hold("media")
    hold = Hold(partial(_guarded, done), seconds, partial(done, TIME_IS_UP))
    hold.run(fetcher.fetch(missing), partial(_fetched, incoming, done))
    return hold


def _fetched(incoming: Incoming, done: Done, fetched: Mapping[str, Media] | Fault) -> None:
    if isinstance(fetched, Fault):
        done(fetched)
        return
    incoming.fetched = {**incoming.fetched, **fetched}
    done(None)


def _guarded(done: Done, call: Callable[..., None], *given: object) -> None:
    try:
        call(*given)
    except Exception:  # a defect of ours: the loop's handler logs it
        done(_FAILED)
        raise
