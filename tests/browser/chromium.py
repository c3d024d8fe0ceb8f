"""
Headless Chromium from the system's packages, driven over its own protocol.

`python -m tests.browser.chromium` installs what is missing, where this process may do so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, sync_playwright

from tests.brokers.fixtures import started_or_skipped
from tests.brokers.runtime import CACHE, RuntimeUnavailable, locked

AXE = Path(__file__).parent / "axe.min.js"
AXE_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
"""axe-core 4.14.1 as npm has it (MPL-2.0)."""
PICTURES = Path("build/console")
INSTALL_S = 600.0
SERIOUS = ("serious", "critical")


class Barrier(NamedTuple):
    """Something that axe found on a page."""

    impact: str
    rule: str
    places: tuple[str, ...]


@contextmanager
def chromium() -> Iterator[Chromium]:
    """A browser that runs inside the `with` block."""
    path = program()
    with sync_playwright() as playwright:
        # As root there is no sandbox of its own; the pages are ours.
        words = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=words)
        try:
            yield browser
        finally:
            browser.close()


def program() -> str:
    """Where Chromium is; installed first where this process may do so."""
    with locked(CACHE, "chromium"):
        found = _found()
        if found is None and shutil.which("apt-get") and os.geteuid() == 0:
            install = ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]
            install += ["fonts-noto-core"]
            for step in (["apt-get", "update"], install):
                subprocess.run(step, capture_output=True, timeout=INSTALL_S)
            found = _found()
    if found is None:
        raise RuntimeUnavailable("Chromium is missing; run: sudo apt-get install chromium")
    return found


def _found() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


def barriers(page: Page) -> list[Barrier]:
    """What axe finds on a page as it is now, of any impact."""
    page.evaluate(AXE.read_text())
    found: Any = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        Barrier(each["impact"], each["id"], tuple(node["html"][:200] for node in each["nodes"]))
        for each in found["violations"]
    ]


def picture(page: Page, name: str) -> None:
    """Keep what a page looks like, for people."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


def is_axe_as_it_was() -> bool:
    """Whether the vendored file is the one that npm has."""
    return sha256(AXE.read_bytes()).hexdigest() == AXE_SHA256


@pytest.fixture(scope="module")
def started_browser() -> Iterator[Chromium]:
    """
    One for a file of tests; where it cannot be had, CI fails and a laptop skips.

    Not one for the session: while it runs, its loop is the thread's, and async tests have none.
    """
    with started_or_skipped(chromium()) as browser:
        yield browser


@pytest.fixture
def real_browser(started_browser: Chromium) -> Iterator[Chromium]:
    """A browser without windows; those of the test, and what they hold, are gone after it."""
    yield started_browser
    for context in started_browser.contexts:
        context.close()


def main() -> None:
    try:
        program()
    except RuntimeUnavailable as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
