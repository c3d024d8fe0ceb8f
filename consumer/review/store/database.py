"""
Database: SQLite or PostgreSQL, transactions, and the migration to this release's tables.

In SQLite one writer is at work at a time, from the beginning of its transaction; in PostgreSQL rows
are locked. What is written for one therefore holds for the other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, create_engine, event, exc, inspect, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url

from consumer.errors import InvalidSettings, StoreUnavailable
from consumer.review.store.tables import log_head, metadata

HEAD = "0004"
"""The newest of `migrations/versions/`; a store that says so needs nothing done."""
MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_S = 30.0
"""How long a writer waits for another one in SQLite, whose transactions take milliseconds."""
MIGRATING = 0x5AFE
"""Any number, the same for all: PostgreSQL lets one connection at a time hold it."""


class Database:
    """A store's database, with the tables of this release. Any thread may use it."""

    def __init__(self, address: str, password: str | None = None) -> None:
        """
        Connect, and make or mend the tables where that is needed.

        Raises:
            InvalidSettings: the address cannot be read, or the store is of a later release.
            StoreUnavailable: the database does not answer.
        """
        self._engine = create_engine(_url(address, password), pool_pre_ping=True)
        self.is_sqlite = self._engine.dialect.name == "sqlite"
        if self.is_sqlite:
            event.listen(self._engine, "connect", _set_up_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
        # Who waits for SQLite's own lock sleeps ever longer, and may be overtaken all the while.
        self._one_writer = threading.Lock() if self.is_sqlite else nullcontext()
        self._writing = self._engine.execution_options(writes=True)
        try:
            self._migrate()
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"<Database {self._engine.url!r}>"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that changes nothing."""
        with _translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction: all of it or, on any error, nothing."""
        with self._one_writer, _translated(), self._writing.begin() as connection:
            yield connection

    def insert_once(self, connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
        """Insert a row unless there is one of its key; whether it is new."""
        insert = sqlite.insert if self.is_sqlite else postgresql.insert
        return connection.execute(insert(table).values(**row).on_conflict_do_nothing()).rowcount > 0

    def scrub(self) -> None:
        """
        Have the files hold nothing any more of what was deleted.

        Raises:
            StoreUnavailable: somebody reads in it all the while; what was deleted is hidden only.
        """
        busy = 0
        with self._one_writer, _translated():
            # Neither of them does this inside a transaction, which the library would begin.
            raw = self._engine.raw_connection()
            try:
                if self.is_sqlite:
                    raw.cursor().execute("VACUUM")
                    busy, *_ = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                else:
                    raw.rollback()
                    raw.driver_connection.autocommit = True  # type: ignore[union-attr]
                    for table in metadata.sorted_tables:
                        raw.cursor().execute(f"VACUUM (FULL, ANALYZE) {table.name}")
            finally:
                # Not given back: the next one to use it expects transactions.
                raw.invalidate()
                raw.close()
        if busy:
            raise StoreUnavailable("the store is being read: its journal holds what was deleted")

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _migrate(self) -> None:
        with self.reading() as connection:
            found = _version(connection)
        if found == HEAD:
            return
        if found is not None and found > HEAD:
            raise InvalidSettings(
                f"review.store is of a later release (tables {found}, here {HEAD}): "
                "run the release that made it"
            )
        # Takes a while to import, and is needed once.
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        with self.writing() as connection:
            if not self.is_sqlite:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATING})"))
            if _version(connection) != HEAD:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")


def _version(connection: Connection) -> str | None:
    """Of the tables; None where there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


_HEAD_OF_LOG = select(log_head).where(log_head.c.id == 1).with_for_update()


def locked_head(connection: Connection) -> tuple[int, str]:
    """The end of the log; nobody else appends to it before this transaction ends."""
    row = connection.execute(_HEAD_OF_LOG).one()
    return row.number, row.digest


def _url(address: str, password: str | None) -> URL:
    try:
        url = make_url(address)
    except (exc.ArgumentError, ValueError) as error:
        raise InvalidSettings(f"review.store cannot be read: {error}") from None
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+pg8000")
    return url if password is None else url.set(password=password)


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # The module's own transactions begin too late and read before they lock; see `_begin_sqlite`.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_S * 1_000)}")
    connection.execute("PRAGMA journal_mode = WAL")
    # What is deleted is overwritten, and not only passed over.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA synchronous = FULL")


def _begin_sqlite(connection: Connection) -> None:
    is_writing = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


@contextmanager
def _translated() -> Iterator[None]:
    """What the libraries say, in our words; a fault of our own statements stays what it is."""
    try:
        yield
    except (exc.DBAPIError, exc.TimeoutError, ConnectionError) as error:
        # pg8000 does not translate what the network says while it reads an answer.
        if isinstance(error, exc.DBAPIError) and not _may_pass(error):
            raise
        said = error.orig if isinstance(error, exc.DBAPIError) else error
        raise StoreUnavailable(
            f"the review store does not answer: {said}. Look at review.store and the database"
        ) from error


_PASSING = ("08", "40", "53", "57")
"""Classes of PostgreSQL's error codes: connection, conflict, resources, and an operator's stop."""


def _may_pass(error: exc.DBAPIError) -> bool:
    """Whether it is the database's state, and no fault of our own statement."""
    said = error.orig.args[0] if error.orig is not None and error.orig.args else None
    if isinstance(said, dict):
        return str(said.get("C", "")).startswith(_PASSING)
    return not isinstance(error, (exc.IntegrityError, exc.ProgrammingError, exc.DataError))
