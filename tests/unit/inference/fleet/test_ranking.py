"""Which endpoint an affinity likes best is the same in every worker and in every release."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from consumer.inference.fleet.ranking import Ranking


def ranked(names: str, affinity: str) -> str:
    endpoints: Any = [SimpleNamespace(name=name) for name in names]
    return "".join(endpoint.name for endpoint in Ranking(endpoints).of(affinity))


def test_workers_of_two_releases_keep_the_same_prefixes_warm() -> None:
    assert [ranked("abc", affinity) for affinity in ("one", "two", "three")] == [
        "cba",
        "abc",
        "bac",
    ]


def test_an_endpoint_that_goes_moves_no_other() -> None:
    """And the order in which the settings name them means nothing."""
    for affinity in map(str, range(20)):
        whole = ranked("abcd", affinity)
        assert ranked("dbca", affinity) == whole
        assert ranked("acd", affinity) == whole.replace("b", "")
