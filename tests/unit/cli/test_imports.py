"""Help comes at once: what a command needs it imports when it is called."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("pydantic", "confluent_kafka", "aiohttp", "openai", "asyncio", "structlog", "yaml")


def test_a_worker_loads_nothing_of_the_reviewers() -> None:
    """Neither their room nor its libraries: a worker's memory and start do not pay for them."""
    code = (
        "import sys; import consumer.worker.serve, consumer.worker.supervisor; "
        "print([n for n in sys.modules if n.startswith(('sqlalchemy', 'alembic', 'pg8000', "
        "'consumer.review'))])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.strip() == "[]"


def test_the_words_are_read_without_what_takes_time() -> None:
    """None of the libraries that take a tenth of a second each."""
    code = (
        "import sys; import consumer.cli; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.strip() == "[]"
