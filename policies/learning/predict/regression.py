"""Online non-negative least squares with forgetting: y = w . x, w >= 0.

Recursive least squares in information form: the normal equations are summed with forgetting, and solved by coordinate
descent from the last weights (Franc, Hlavac and Navara, "Sequential coordinate-wise algorithm for the non-negative
least squares problem", 2005). The variance is taken to grow with the prediction; to grow with its square would be truer
of latencies, but then what was fast outweighs what has become slow. Huber's weights bound what an outlier can do.
"""

import msgspec

HALF_LIFE = 500.0  # samples
HUBER = 2.0  # mean absolute residuals beyond which a sample counts less
TRUST = 32  # samples before outliers can be told from a wrong prior
SOLVE_EVERY = 8
SWEEPS = 40
PULL = 1e-3  # towards the last weights, in samples: keeps directions nobody has seen where they were
RENORMALISE = 1e9
_GROWTH = 0.5 ** (-1.0 / HALF_LIFE)


class Sums(msgspec.Struct):
    """The normal equations of one kind of samples, those of long ago counting less."""

    gram: list[list[float]]
    moment: list[float]
    gain: float = 1.0  # weight of the next sample: growing, instead of all others shrinking


class NonNegative(msgspec.Struct):
    """Learns ``weights``; start it with a prior, and give the prior substance by observing imagined samples.

    ``floor``: the least prediction (in y's unit) that residuals are measured against. Samples come in ``strata``, and
    each forgets by its own: an hour of the same load does not wash out what was seen at others.
    """

    weights: list[float]
    floor: float
    strata: list[Sums] = []
    samples: int = 0
    noise: float = 0.5  # mean absolute relative residual

    def predict(self, x: tuple[float, ...]) -> float:
        return sum(map(float.__mul__, self.weights, x))

    def observe(self, x: tuple[float, ...], y: float, stratum: int = 0) -> None:
        """A sample. ``x``: features, as many as weights; ``y``: what they led to."""
        size = len(self.weights)
        while len(self.strata) <= stratum:
            self.strata.append(Sums([[0.0] * size for _ in range(size)], [0.0] * size))
        sums = self.strata[stratum]
        expected = max(self.predict(x), self.floor)
        residual = abs(y - expected) / expected
        weight = sums.gain / expected
        if self.samples > TRUST and residual > HUBER * self.noise:
            weight *= HUBER * self.noise / residual
        self.noise += 0.02 * (min(residual, 5.0) - self.noise)
        moment = sums.moment
        for i, (row, value) in enumerate(zip(sums.gram, x, strict=True)):
            if value:
                scaled = weight * value
                moment[i] += scaled * y
                for j, other in enumerate(x):
                    row[j] += scaled * other
        self.samples += 1
        sums.gain *= _GROWTH
        if sums.gain > RENORMALISE:
            _renormalise(sums)
        if self.samples % SOLVE_EVERY == 0 or self.samples < TRUST:
            self._solve()

    def _solve(self) -> None:
        gram = [
            [sum(cells) for cells in zip(*rows, strict=True)] for rows in zip(*map(_gram, self.strata), strict=True)
        ]
        moment = [sum(cells) for cells in zip(*map(_moment, self.strata), strict=True)]
        last = list(self.weights)
        weights = self.weights
        for _ in range(SWEEPS):
            moved = 0.0
            for i, row in enumerate(gram):
                pull = PULL * row[i]
                if row[i] <= 0.0:
                    continue
                slope = moment[i] - sum(map(float.__mul__, row, weights)) + pull * (last[i] - weights[i])
                new = max(0.0, weights[i] + slope / (row[i] + pull))
                moved = max(moved, abs(new - weights[i]) / (weights[i] + 1e-9))
                weights[i] = new
            if moved < 1e-4:
                break


def _gram(sums: Sums) -> list[list[float]]:
    return [[value / sums.gain for value in row] for row in sums.gram]


def _moment(sums: Sums) -> list[float]:
    return [value / sums.gain for value in sums.moment]


def _renormalise(sums: Sums) -> None:
    sums.gram, sums.moment, sums.gain = _gram(sums), _moment(sums), 1.0
