"""A pytest plugin that breaks the product before any test is imported; see `mutants.py`."""

from __future__ import annotations

import os

from tests.mutants.table import MUTANTS

for _mutant in MUTANTS:
    if _mutant.name == os.environ.get("SAFEGUARD_TEST_MUTANT"):
        _mutant.apply()
