"""What every test stands on: no settings from outside, and servers that start once a session."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator

import pytest

for name in [n for n in os.environ if n.startswith("SAFEGUARD_") and "_TEST_" not in n]:
    del os.environ[name]

pytest_plugins = [
    "tests.stage",
    "tests.brokers.fixtures",
    "tests.servers.fixtures",
    "tests.databases",
    "tests.browser.chromium",
]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """
    Modules and thousands of tests stay to the end, so garbage is not looked for among them.

    Where a test has it collected, it takes milliseconds in place of half a second.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()
