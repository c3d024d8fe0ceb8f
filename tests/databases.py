"""
A real PostgreSQL on this machine, from the system's packages, and a store in either database.

One server for a session, on a free port of the loopback; each test has a database of its own. Its
tables are made by the migrations once, and copied: making them takes longer than most tests.
`python -m tests.databases` installs what is missing, where this process may do so.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pg8000.native import Connection, DatabaseError, InterfaceError

from consumer.review.store.database import Database
from tests.brokers.fixtures import started_or_skipped
from tests.brokers.runtime import CACHE, RuntimeUnavailable, locked
from tests.servers.child import free_ports

START_S = 30.0
INSTALL_S = 300.0
USER = "safeguard"
MADE = "made"
"""The database whose tables are copied."""
_names = itertools.count()


class RealPostgres:
    """A server that runs inside the `with` block; it may be killed and started again."""

    def __init__(self) -> None:
        self._folder = Path()
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._programs = Path()
        self._is_made = False

    def __enter__(self) -> RealPostgres:
        self._programs = programs()
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        if os.geteuid() == 0:
            # It refuses to run as root.
            shutil.chown(self._folder, _unprivileged())
        self._run("initdb", "-D", str(self._data), "-U", USER, "-A", "trust", "--no-sync")
        (self._port,) = free_ports(1)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [str(self._programs / "postgres"), "-D", str(self._data), "-p", str(self._port)]
        command += ["-h", "127.0.0.1", "-k", "", "-c", "max_connections=200"]
        # It is killed, but the machine stays up: nothing need be on the disk itself.
        command += ["-c", "fsync=off"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **_as_user())
        until_s = time.monotonic() + START_S
        while True:
            try:
                self._connect("postgres").close()
            except (InterfaceError, DatabaseError):
                # The second while it recovers.
                if time.monotonic() > until_s or self._process.poll() is not None:
                    raise AssertionError((self._folder / "log").read_text()) from None
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """End it at once (SIGQUIT): what was not committed is gone."""
        if self._process is not None:
            self._process.send_signal(3)
            self._process.wait(START_S)
            self._process = None

    def database(self) -> str:
        """The address of a new, empty one."""
        return self._created(f"store{next(_names)}")

    def store(self) -> str:
        """The address of a new one that has the tables of a store, and nothing in them."""
        if not self._is_made:
            Database(self._created(MADE)).close()
            self._is_made = True
        return self._created(f"store{next(_names)}", f"TEMPLATE {MADE}")

    def _created(self, name: str, how: str = "") -> str:
        connection = self._connect("postgres")
        connection.run(f"CREATE DATABASE {name} {how}")
        connection.close()
        return f"postgresql://{USER}@127.0.0.1:{self._port}/{name}"

    def _connect(self, database: str) -> Connection:
        return Connection(USER, "127.0.0.1", database, self._port)

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), *words], capture_output=True, text=True, **_as_user()
        )
        assert done.returncode == 0, done.stderr


def programs() -> Path:
    """Where the server's programs are; installed first where this process may do so."""
    with locked(CACHE, "postgres"):
        found = _found()
        if found is None and shutil.which("apt-get") and os.geteuid() == 0:
            install = ["apt-get", "install", "-y", "--no-install-recommends", "postgresql"]
            for step in (["apt-get", "update"], install):
                subprocess.run(step, capture_output=True, timeout=INSTALL_S)
            found = _found()
    if found is None:
        raise RuntimeUnavailable("PostgreSQL is missing; run: sudo apt-get install postgresql")
    return found


def _found() -> Path | None:
    of_debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    elsewhere = shutil.which("initdb")
    if of_debian:
        return of_debian[-1].parent
    return Path(elsewhere).resolve().parent if elsewhere else None


def _as_user() -> dict[str, Any]:
    return {"user": _unprivileged(), "cwd": "/"} if os.geteuid() == 0 else {}


def _unprivileged() -> str:
    import pwd

    return next(
        name for name in ("postgres", "nobody") if name in {p.pw_name for p in pwd.getpwall()}
    )


@pytest.fixture(scope="session")
def real_postgres() -> Iterator[RealPostgres]:
    """One server; where it cannot be had, CI fails and a laptop skips."""
    with started_or_skipped(RealPostgres()) as postgres:
        yield postgres


def sqlite_store(file: Path) -> str:
    """The address of a store in this file, which gets a store's tables if it is not there."""
    if not file.exists():
        file.write_bytes(_tables())
    return f"sqlite:///{file}"


@cache
def _tables() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "made.sqlite"
        Database(f"sqlite:///{file}").close()
        return file.read_bytes()


EITHER = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
"""What holds for one database holds for the other."""


@pytest.fixture(params=EITHER)
def store_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a store with nothing in it, in either database."""
    if request.param == "sqlite":
        return sqlite_store(tmp_path / "review.sqlite")
    postgres: RealPostgres = request.getfixturevalue("real_postgres")
    return postgres.store()


@pytest.fixture(params=EITHER)
def no_store_yet(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a store whose tables are still to be made, in either database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'review.sqlite'}"
    postgres: RealPostgres = request.getfixturevalue("real_postgres")
    return postgres.database()


def main() -> None:
    try:
        programs()
    except RuntimeUnavailable as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
