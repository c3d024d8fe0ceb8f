"""What every test stands on: no settings from outside, and servers that start once a session."""

from __future__ import annotations

import os

for name in [n for n in os.environ if n.startswith("SAFEGUARD_") and "_TEST_" not in n]:
    del os.environ[name]

pytest_plugins = [
    "tests.stage",
    "tests.brokers.fixtures",
    "tests.servers.fixtures",
    "tests.databases",
    "tests.browser.chromium",
]
