"""The hand-written bugs name tests that are there."""

from __future__ import annotations

from tests.mutants.mutants import ROOT
from tests.mutants.table import MUTANTS


def test_every_test_that_is_to_catch_a_bug_exists() -> None:
    named = {name.partition("::")[0] for mutant in MUTANTS for name in mutant.tests}

    assert sorted(name for name in named if not (ROOT / name).is_file()) == []


def test_every_bug_is_looked_for_somewhere() -> None:
    assert [mutant.name for mutant in MUTANTS if not mutant.seeds and not mutant.tests] == []
