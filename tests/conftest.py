"""What every test stands on: no settings from outside, and servers that start once a session."""

from __future__ import annotations

import os

for name in [name for name in os.environ if name.startswith("SAFEGUARD_")]:
    del os.environ[name]

pytest_plugins = ["tests.stage", "tests.brokers.fixtures", "tests.servers.fixtures"]
