"""The peers' own virtual environment, made on first use and again when its lock file changes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

LOCK = Path(__file__).with_name("requirements.lock")


def peers_python(folder: Path) -> Path:
    """
    The Python of the peers' environment in `folder`.

    Raises:
        CalledProcessError: the packages could not be installed.
    """
    python = folder / "bin" / "python"
    stamp = folder / "installed"
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        venv.create(folder, clear=True, with_pip=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run(
            [str(python), *install, "--require-hashes", "-r", str(LOCK)],
            check=True,
            stdout=sys.stderr,
        )
        stamp.write_text(digest)
    return python
