"""The latency predictor: time to first token and per further token, with its uncertainty; learned, never configured.

    TTFT = s (a + k1 U + k2 U^2 + k3 Q + k4 B + k5 W)        TPOT = s (a + b B + c K)

U: uncached tokens of the prompt; Q: those ahead of it at the endpoint; B: answers under way there; W: requests waiting;
K: tokens resident. The coefficients belong to the hardware class (a deployment); s is the endpoint's own factor.
"""

from bisect import bisect_right
from math import exp, log

import msgspec

from policies.learning.predict.regression import NonNegative
from policies.learning.predict.residuals import Calibration, ResidualWindow

SHRINK = 20.0  # samples at which an endpoint's own factor counts half
MEMORY = 40.0  # samples that an endpoint's factor remembers
FORGET = 60.0  # seconds without a sample after which the factor counts for 1/e: a slow endpoint is tried again
FEW = 20  # ratios under which a wider group's are read
BANDS = (0.25, 1.0)  # prompts of this kind that stand ahead: less, between, more
PACE_BANDS = (8.0, 16.0, 32.0, 48.0, 64.0, 96.0)  # answers under way
KILO = 1000.0

# Before any sample: an 8B model on one large GPU, and a cloud; replaced within some twenty answers.
GPU_FIRST = [0.05, 0.06, 0.004, 0.06, 0.001, 0.02]
GPU_EACH = [0.01, 0.0004, 0.0001]
CLOUD_FIRST = [0.5, 0.02, 0.0, 0.0, 0.0, 0.0]
CLOUD_EACH = [0.015, 0.0, 0.0]
_IMAGINED_FIRST = ((1.0, 0.1, 0.01, 0.0, 0.0, 0.0), (1.0, 8.0, 64.0, 0.0, 8.0, 0.0), (1.0, 1.0, 1.0, 16.0, 32.0, 4.0))
_IMAGINED_EACH = ((1.0, 1.0, 1.0), (1.0, 32.0, 64.0))
_PRIOR_RATIOS = tuple(exp(0.12 * z) for z in range(-10, 11))  # a factor of three either way


class LoadFeatures(msgspec.Struct, frozen=True, gc=False):
    """What an attempt meets at an endpoint: tokens and requests. ``others``: of those, other gateways' requests."""

    uncached: float
    ahead: float = 0.0
    running: float = 0.0
    waiting: float = 0.0
    resident: float = 0.0
    others: float = 0.0

    @property
    def first(self) -> tuple[float, ...]:
        k = self.uncached / KILO
        return (1.0, k, k * k, self.ahead / KILO, self.running, self.waiting)

    @property
    def each(self) -> tuple[float, ...]:
        return (1.0, self.running, self.resident / KILO)

    @property
    def band(self) -> int:
        """How loaded the endpoint is, seen from this prompt."""
        return band_of(self.uncached, self.ahead)

    @property
    def pace_band(self) -> int:
        """How many answers are under way there, roughly."""
        return bisect_right(PACE_BANDS, self.running)


def band_of(uncached: float, ahead: float) -> int:
    """How much stands ahead of a prompt of this kind."""
    ratio = ahead / max(uncached, 256.0)
    return (ratio > BANDS[0]) + (ratio > BANDS[1])


class Quantity(msgspec.Struct):
    """One learned latency of a hardware class: coefficients, ratios by load band, calibration on what was chosen."""

    line: NonNegative
    bands: list[ResidualWindow]
    calibration: Calibration

    def at(self, x: tuple[float, ...]) -> float:
        """Seconds at ratio 1, for an endpoint that is as fast as its class."""
        return max(self.line.predict(x), self.line.floor)

    def known(self, band: int) -> ResidualWindow:
        """The ratios of a band, or of the next lower one that has enough."""
        while band and self.bands[band].seen < FEW:
            band -= 1
        return self.bands[band]


class HardwareClass(msgspec.Struct):
    """What the endpoints of one deployment have in common."""

    first: Quantity
    each: Quantity


class Prediction(msgspec.Struct, frozen=True, gc=False):
    """A predicted latency: seconds at ratio 1, and the ratios that give its distribution."""

    seconds: float
    ratios: ResidualWindow
    calibration: Calibration

    def quantile(self, share: float) -> float:
        """Seconds that ``share`` (0..1) of such attempts stay under."""
        return self.seconds * self.ratios.quantile(self.calibration.level(share))

    def within(self, seconds: float) -> float:
        """The probability that it takes no longer than ``seconds``."""
        return self.calibration.share(self.level(seconds))

    def level(self, seconds: float) -> float:
        """Rank of ``seconds`` among the ratios seen, before calibration."""
        return self.ratios.share(seconds / self.seconds)


class LatencyPredictor(msgspec.Struct):
    """One endpoint: its class, a factor of its own (in the logarithm), and its own ratios. ``scatter``: the variance of
    the samples that the factor is the mean of."""

    hardware: HardwareClass
    log_factor: float = 0.0
    scatter: float = 0.0
    samples: float = 0.0
    heard: float = 0.0  # when the last sample came
    bands: list[ResidualWindow] = msgspec.field(default_factory=lambda: _no_ratios())

    def factor(self, now: float) -> float:
        """How many times slower than its class it is, drawn towards 1 while little is known, or was long ago; and by as
        much as may be chance (James and Stein 1961): the least of several noisy factors is mostly noise."""
        if not self.samples:
            return 1.0
        known = self.samples * exp((self.heard - now) / FORGET)
        evidence = known * self.log_factor * self.log_factor
        if evidence <= self.scatter:
            return 1.0
        return exp(self.log_factor * (1.0 - self.scatter / evidence) * known / (known + SHRINK))

    def silent(self, now: float) -> bool:
        """Whether its last sample is old."""
        return now - self.heard > FORGET

    def first_token(self, situation: LoadFeatures, now: float) -> Prediction:
        """Seconds to the first token."""
        return self.both(situation, now)[0]

    def each_token(self, situation: LoadFeatures, now: float) -> Prediction:
        """Seconds for each token after the first."""
        return self.both(situation, now)[1]

    def both(self, met: LoadFeatures, now: float) -> tuple[Prediction, Prediction]:
        """Seconds to the first token, and for each further one."""
        first, ratios, each, paces, _ = self.look(met.uncached, met.ahead, met.running, met.waiting, met.resident, now)
        kind = self.hardware
        return Prediction(first, ratios, kind.first.calibration), Prediction(each, paces, kind.each.calibration)

    def look(
        self, uncached: float, ahead: float, running: float, waiting: float, resident: float, now: float
    ) -> tuple[float, ResidualWindow, float, ResidualWindow, float]:
        """For a load: seconds to the first token, their ratios, seconds for each further one, their ratios, and the
        factor in both. A plan calls this for every candidate, so the sums are written out."""
        factor, first, each = self.factor(now), self.hardware.first, self.hardware.each
        line, thousands = first.line, uncached / KILO
        a, k1, k2, k3, k4, k5 = line.weights
        seconds = a + thousands * (k1 + k2 * thousands) + k3 * ahead / KILO + k4 * running + k5 * waiting
        if seconds < line.floor:
            seconds = line.floor
        line = each.line
        a, b, c = line.weights
        pace = a + b * running + c * resident / KILO
        if pace < line.floor:
            pace = line.floor
        band = band_of(uncached, ahead) if ahead else 0
        own = self.bands[band]
        ratios = own if own.seen >= FEW else first.known(band)
        return seconds * factor, ratios, pace * factor, each.known(bisect_right(PACE_BANDS, running)), factor

    def observe_first(self, situation: LoadFeatures, prediction: Prediction, seconds: float, now: float) -> None:
        """A first token took ``seconds``."""
        self._count(situation, prediction, seconds, now)
        self.hardware.first.line.observe(situation.first, seconds / self.factor(now), situation.band)

    def observe_silence(self, situation: LoadFeatures, prediction: Prediction, seconds: float, now: float) -> None:
        """No first token had come after ``seconds`` (a timeout, a cancelled or failed attempt): it counts as what it
        would probably have taken, where that is more than predicted, and never for the class."""
        if seconds >= prediction.quantile(0.5):
            seconds = prediction.seconds * prediction.ratios.beyond(seconds / prediction.seconds)
            self._count(situation, prediction, seconds, now)

    def observe_each(self, met: LoadFeatures, seconds: float, now: float) -> None:
        """A token after the first took ``seconds`` on average. ``met``: while the answer lasted, not when it began:
        otherwise an engine that filled up meanwhile would look slow when it is empty, and get no requests."""
        quantity, prediction = self.hardware.each, self.each_token(met, now)
        quantity.calibration.observe(prediction.level(seconds))
        quantity.bands[met.pace_band].observe(seconds / prediction.seconds)
        quantity.line.observe(met.each, seconds / self.factor(now), met.pace_band)

    def restarted(self) -> None:
        """A new engine behind the address: what is known of the old one is not its."""
        self.log_factor = self.scatter = self.samples = 0.0
        self.bands = _no_ratios()

    def _count(self, situation: LoadFeatures, prediction: Prediction, seconds: float, now: float) -> None:
        quantity, ratio = self.hardware.first, seconds / prediction.seconds
        quantity.calibration.observe(prediction.level(seconds))
        quantity.bands[situation.band].observe(ratio)
        self.bands[situation.band].observe(ratio)
        self.samples = min(self.samples * exp((self.heard - now) / FORGET) + 1.0, MEMORY)
        self.heard = now
        apart = log(seconds / quantity.at(situation.first)) - self.log_factor
        share = 1.0 / self.samples
        self.log_factor += apart * share
        self.scatter += (apart * apart * (1.0 - share) - self.scatter) * share


def hardware(cloud: bool) -> HardwareClass:
    """A class without samples."""
    first, each = (CLOUD_FIRST, CLOUD_EACH) if cloud else (GPU_FIRST, GPU_EACH)
    return HardwareClass(_quantity(first, _IMAGINED_FIRST, 0.005), _quantity(each, _IMAGINED_EACH, 0.001))


def _quantity(prior: list[float], imagined: tuple[tuple[float, ...], ...], floor: float) -> Quantity:
    line = NonNegative(list(prior), floor)
    for x in imagined:
        line.observe(x, line.predict(x))
    bands = _no_ratios(len(PACE_BANDS) + 1)
    for ratio in _PRIOR_RATIOS:
        bands[0].observe(ratio)
    return Quantity(line, bands, Calibration())


def _no_ratios(count: int = len(BANDS) + 1) -> list[ResidualWindow]:
    return [ResidualWindow() for _ in range(count)]
