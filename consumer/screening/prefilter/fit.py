"""
Fit: weights from texts and labels, by logistic regression. Needs the extra `prefilter`.

scipy and scikit-learn are imported where they are used: workers have neither.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy

from consumer.errors import InvalidSettings
from consumer.screening.prefilter.features import TABLE, WORDS_MAX, is_link, pair_places, see_word

STRENGTH = 3.0
"""Inverse of the penalty on large weights: 1 was worse on the 2022 set, 6 no better."""
TOLERANCE = 0.01
"""Of the solver, coarse: the threshold is chosen on what comes of it, whatever that is."""
WORDS_KEPT_MAX = 200_000
"""Words that are taken apart once while a matrix is built."""


class Fitted(NamedTuple):
    """What was learned from some texts."""

    weights: array[float]
    bias: float


class Curve(NamedTuple):
    """Of a logistic function from sums to probabilities."""

    slope: float
    offset: float


class TextMatrix:
    """Normalised texts as rows of their features, each divided by the root of its size."""

    def __init__(self, normals: Sequence[str]) -> None:
        sparse = _scipy_sparse()
        seen = lru_cache(WORDS_KEPT_MAX)(see_word)
        places: list[int] = []
        ends = [0]
        values: list[float] = []
        self._names: list[frozenset[int]] = []
        self._links: list[frozenset[int]] = []
        for normal in normals:
            written = normal.split()[:WORDS_MAX]
            words = [seen(word) for word in written]
            self._links.append(frozenset(seen(word).name for word in written if is_link(word)))
            names = [word.name for word in words]
            before = len(places)
            places.extend(pair_places(names))
            for word in set(words):
                places.extend(word.places)
            size = len(places) - before
            values.extend([size**-0.5] * size)
            ends.append(len(places))
            self._names.append(frozenset(names))
        self._rows = sparse.csr_matrix(
            (numpy.array(values), numpy.array(places, numpy.int32), numpy.array(ends)),
            shape=(len(normals), TABLE),
        )
        self._rows.sum_duplicates()

    def names(self, rows: Sequence[int]) -> set[int]:
        """Names of all words of these texts."""
        return set().union(*(self._names[row] for row in rows))

    def familiar(self, row: int, names: set[int]) -> float:
        """Share of a text's words that are among the names; 0 where a link is not."""
        own = self._names[row]
        if not self._links[row] <= names:
            return 0.0
        return len(own & names) / len(own) if own else 0.0

    def fit(self, rows: Sequence[int], labels: Sequence[bool], weights: Sequence[float]) -> Fitted:
        """
        Learn from these rows; labels and weights are those of all.

        Both classes weigh the same in sum: positives are few, and they are what must not be missed.
        """
        from sklearn.linear_model import LogisticRegression

        chosen = self._rows[list(rows)]
        places = numpy.unique(chosen.indices)
        is_positive = numpy.array([labels[row] for row in rows])
        weight = numpy.array([weights[row] for row in rows])
        for side in (is_positive, ~is_positive):
            weight[side] *= len(rows) / 2.0 / weight[side].sum()
        learner = LogisticRegression(
            C=STRENGTH, solver="liblinear", tol=TOLERANCE, random_state=0
        ).fit(chosen[:, places], is_positive, sample_weight=weight)
        table = numpy.zeros(TABLE, numpy.float32)
        table[places] = learner.coef_[0]
        return Fitted(array("f", table.tobytes()), float(learner.intercept_[0]))

    def sums(self, rows: Sequence[int], fitted: Fitted) -> list[float]:
        """Of each of the rows under what was learned."""
        table = numpy.frombuffer(fitted.weights, numpy.float32).astype(numpy.float64)
        found: list[float] = (self._rows[list(rows)] @ table + fitted.bias).tolist()
        return found


def mean_of(models: Sequence[Fitted]) -> Fitted:
    """The model whose sums are the means of theirs."""
    tables = [numpy.frombuffer(model.weights, numpy.float32) for model in models]
    table = numpy.mean(tables, axis=0, dtype=numpy.float64).astype(numpy.float32)
    return Fitted(array("f", table.tobytes()), sum(model.bias for model in models) / len(models))


def fit_curve(sums: Sequence[float], labels: Sequence[bool], weights: Sequence[float]) -> Curve:
    """
    The logistic curve from sums to probabilities (Platt, 1999): a score shall mean something.

    It rises always: where the fit says otherwise scores mean nothing, and they keep their order.
    """
    from sklearn.linear_model import LogisticRegression

    learner = LogisticRegression(C=1e6).fit(
        numpy.array(sums).reshape(-1, 1), list(labels), sample_weight=list(weights)
    )
    slope, offset = float(learner.coef_[0][0]), float(learner.intercept_[0])
    return Curve(slope, offset) if slope > 0 else Curve(1.0, 0.0)


def _scipy_sparse() -> Any:
    try:
        import sklearn  # noqa: F401
        from scipy import sparse
    except ImportError as error:
        raise InvalidSettings(
            "training a filter needs scipy and scikit-learn: "
            "`pip install 'safeguard-consumer[prefilter]'`"
        ) from error
    return sparse
