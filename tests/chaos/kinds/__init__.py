"""
Kinds: what can happen to workers, brokers, topics and the model.

A new file here is all that a new kind needs: every `Kind` that a module of this folder holds is
scheduled, carried out, and counted by its name under `struck` in `build/chaos.json`.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from tests.chaos.kind import Kind


def _found() -> dict[str, Kind]:
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__))
    values = [vars(import_module(f"{__name__}.{module}")).values() for module in modules]
    kinds = [value for each in values for value in each if isinstance(value, Kind)]
    return {kind.name: kind for kind in kinds}


KINDS = _found()
