"""
Users: people of one machine, in a file with a hash of each password.

The file is read anew whenever it has changed, so who is taken out of it is out at once. Passwords
are hashed by scrypt (RFC 7914), with the cost that OWASP's cheat sheet gives for it.
"""

from __future__ import annotations

import hmac
import os
import secrets
from base64 import b64decode, b64encode
from hashlib import scrypt
from pathlib import Path
from threading import Lock
from typing import Any

import orjson

from consumer.errors import InvalidSettings
from consumer.review.cases.reviewer import is_name
from consumer.review.console.sign_in.person import Person, StaffRole

PASSWORD_CHARS_MIN = 12
"""Of a new password: shorter ones are guessed from a stolen file (NIST SP 800-63B asks for 8)."""
PASSWORD_BYTES_MAX = 1_024
"""What is longer is no password, and hashing takes longer the longer it is."""
COST, BLOCK, LANES = 2**17, 8, 1
MEMORY_BYTES_MAX = 256 * 2**20
"""OpenSSL refuses to take more than that; the cost above needs half of it."""


class LocalUsers:
    """The users in a file. Any thread may use it."""

    def __init__(self, file: Path, cost: int = COST) -> None:
        self._file = file
        self._cost = cost
        self._lock = Lock()
        self._seen: tuple[int, int] | None = None
        self._users: dict[str, dict[str, Any]] = {}
        self._nobody: str | None = None

    def names(self) -> dict[str, list[str]]:
        """
        Everybody with their roles.

        Raises:
            InvalidSettings: the file cannot be read, or is another kind of file.
        """
        return {name: list(user["roles"]) for name, user in sorted(self._read().items())}

    def find(self, name: str) -> Person | None:
        """Somebody by name, as the file has them now."""
        user = self._read().get(name)
        if user is None:
            return None
        return Person(name, frozenset(StaffRole(role) for role in user["roles"]))

    def check(self, name: str, password: str) -> Person | None:
        """Somebody by name and password; a name that is not there takes as long."""
        user = self._read().get(name)
        if self._nobody is None:
            self._nobody = _hashed(secrets.token_urlsafe(), self._cost)
        kept = str(user["password"]) if user is not None else self._nobody
        is_right = _is_right(password, kept)
        return self.find(name) if is_right and user is not None else None

    def add(self, name: str, roles: list[StaffRole], password: str) -> bool:
        """
        Add somebody, or give them other roles and another password; whether they are new.

        Raises:
            InvalidSettings: name or password will not do, or the file cannot be written.
        """
        if not is_name(name) or name != name.strip():
            raise InvalidSettings(f"{name!r}: give a name of printable characters, 100 at most")
        if len(password) < PASSWORD_CHARS_MIN or len(password.encode()) > PASSWORD_BYTES_MAX:
            raise InvalidSettings(f"a password has {PASSWORD_CHARS_MIN} characters or more")
        users = dict(self._read()) if self._file.exists() else {}
        is_new = name not in users
        users[name] = {
            "roles": sorted(map(str, roles)),
            "password": _hashed(password, self._cost),
        }
        self._write(users)
        return is_new

    def remove(self, name: str) -> bool:
        """Take somebody out; whether they were there."""
        users = dict(self._read())
        is_there = users.pop(name, None) is not None
        if is_there:
            self._write(users)
        return is_there

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            with self._lock:
                found = self._file.stat()
                seen = (found.st_mtime_ns, found.st_ino)
                if seen != self._seen:
                    self._users = _users_in(self._file.read_bytes())
                    self._seen = seen
                return self._users
        except OSError as error:
            raise InvalidSettings(
                f"review.console.users_file: {self._file} cannot be read: {error.strerror}. "
                "`safeguard console user add` begins it"
            ) from None
        except (ValueError, KeyError, TypeError):
            raise InvalidSettings(
                f"review.console.users_file: {self._file} is not what `safeguard console user "
                "add` writes"
            ) from None

    def _write(self, users: dict[str, dict[str, Any]]) -> None:
        """Whole or not at all, and readable by its owner alone."""
        body = orjson.dumps({"users": users}, option=orjson.OPT_INDENT_2)
        new = self._file.with_name(self._file.name + ".new")
        try:
            new.unlink(missing_ok=True)
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(body + b"\n")
            new.replace(self._file)
        except OSError as error:
            raise InvalidSettings(
                f"review.console.users_file: {self._file} cannot be written: {error.strerror}"
            ) from None


def _users_in(body: bytes) -> dict[str, dict[str, Any]]:
    users = orjson.loads(body)["users"]
    for user in users.values():
        _parts(user["password"])
        for role in user["roles"]:
            StaffRole(role)
    return dict(users)


def _hashed(password: str, cost: int) -> str:
    salt = secrets.token_bytes(16)
    digest = _scrypt(password, salt, cost, BLOCK, LANES)
    words = (b64encode(salt).decode(), b64encode(digest).decode())
    return "$".join(("scrypt", str(cost), str(BLOCK), str(LANES), *words))


def _is_right(password: str, kept: str) -> bool:
    cost, block, lanes, salt, digest = _parts(kept)
    if len(password.encode(errors="replace")) > PASSWORD_BYTES_MAX:
        password = ""
    return hmac.compare_digest(_scrypt(password, salt, cost, block, lanes), digest)


def _parts(kept: str) -> tuple[int, int, int, bytes, bytes]:
    kind, cost, block, lanes, salt, digest = kept.split("$")
    if kind != "scrypt":
        raise ValueError(kind)
    return int(cost), int(block), int(lanes), b64decode(salt), b64decode(digest)


def _scrypt(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    secret = password.encode(errors="replace")
    return scrypt(secret, salt=salt, n=cost, r=block, p=lanes, maxmem=MEMORY_BYTES_MAX, dklen=32)
