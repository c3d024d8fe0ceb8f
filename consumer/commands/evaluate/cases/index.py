"""What was seen before, by digest: kept on disk, so that memory does not grow with the file."""

from __future__ import annotations

import sqlite3


class DiskIndex:
    """A mapping of words in a temporary file that is gone with it."""

    def __init__(self) -> None:
        # An empty name is SQLite's own temporary file: no other process sees it.
        self._base = sqlite3.connect("", isolation_level=None)
        self._base.execute("PRAGMA journal_mode = OFF")
        self._base.execute("PRAGMA synchronous = OFF")
        self._base.execute("CREATE TABLE seen (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")
        self._base.execute("BEGIN")

    def __repr__(self) -> str:
        return f"<DiskIndex of {len(self)} keys>"

    def __len__(self) -> int:
        (count,) = self._base.execute("SELECT count(*) FROM seen").fetchone()
        return int(count)

    def get(self, key: str) -> str | None:
        found = self._base.execute("SELECT value FROM seen WHERE key = ?", (key,)).fetchone()
        return None if found is None else str(found[0])

    def put(self, key: str, value: str) -> None:
        """The last value of a key stands."""
        self._base.execute("INSERT OR REPLACE INTO seen VALUES (?, ?)", (key, value))

    def close(self) -> None:
        self._base.close()
