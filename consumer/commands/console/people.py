"""The commands `console user` and `console link`: who is let in."""

from __future__ import annotations

import secrets
import sys
from getpass import getpass

from consumer.commands.console.wiring import entrance_of
from consumer.commands.review.room import opened
from consumer.commands.terminal import tell
from consumer.domain.counted import counted
from consumer.errors import InvalidSettings
from consumer.review.cases.reviewer import is_name
from consumer.review.console.address import address_of
from consumer.review.console.sign_in.person import StaffRole
from consumer.review.console.sign_in.users import LocalUsers
from consumer.review.console.sign_in.ways import LINK
from consumer.settings.settings import Settings
from consumer.telemetry.clock import SystemClock


def add_user(settings: Settings, name: str, roles: list[str], *, as_json: bool) -> int:
    """
    Add a local user, or give them another password and other roles.

    Raises:
        InvalidSettings: no file is set, or name, role or password will not do.
    """
    users, wanted = _users(settings), roles_named(roles)
    is_new = users.add(name, wanted, _password())
    words = ", ".join(wanted)
    fields = {"user": name, "roles": wanted, "new": is_new}
    tell(fields, [f"{name}: {'added' if is_new else 'changed'}, {words}"], as_json=as_json)
    return 0


def remove_user(settings: Settings, who: str, name: str, *, as_json: bool) -> int:
    """Take a local user out, and sign them out wherever they are; 1 where there is none."""
    is_there = _users(settings).remove(name)
    ended = 0
    if is_there:
        with opened(settings) as room:
            entrance = entrance_of(settings.review.console, room)
            ended = entrance.end_all(name, SystemClock().wall_ms(), who)
    did = f"removed, signed out of {counted(ended, 'place')}"
    line = f"{name}: {did if is_there else 'there is no such user'}"
    tell({"user": name, "removed": is_there, "signed_out": ended}, [line], as_json=as_json)
    return 0 if is_there else 1


def list_users(settings: Settings, *, as_json: bool) -> int:
    """Print the local users and their roles."""
    found = _users(settings).names()
    lines = [f"{name}: {', '.join(roles)}" for name, roles in found.items()]
    tell({"users": found}, lines, as_json=as_json)
    return 0


def make_link(settings: Settings, name: str, roles: list[str], *, as_json: bool) -> int:
    """
    Print a link that signs somebody in once.

    Raises:
        InvalidSettings: links are not wanted, or name or role will not do.
    """
    own = settings.review.console
    if not own.links:
        raise InvalidSettings("review.console.links: set it to true to let people in by links")
    if own.port == 0 and own.public_url is None:
        raise InvalidSettings("review.console.port: give a number, or nobody knows where it leads")
    if not is_name(name):
        raise InvalidSettings(f"{name!r}: give a name of printable characters, 100 at most")
    wanted = roles_named(roles)
    address = address_of(own.host, own.port, own.public_url)
    token, now_ms = secrets.token_urlsafe(32), SystemClock().wall_ms()
    until_ms = now_ms + int(own.link_s * 1_000)
    with opened(settings) as room:
        body = {"person": name, "roles": wanted}
        entrance_of(own, room).open(token, LINK, body, now_ms, until_ms)
    url = f"{address.origin}/sign-in/link?token={token}"
    lines = [url, f"signs {name} in once, within {own.link_s:,.0f} s"]
    tell({"link": url, "user": name, "roles": wanted}, lines, as_json=as_json)
    return 0


def roles_named(words: list[str]) -> list[StaffRole]:
    """
    Roles by name.

    Raises:
        InvalidSettings: one is none, or there is none at all.
    """
    known = ", ".join(StaffRole)
    for word in words:
        if word not in list(StaffRole):
            raise InvalidSettings(f"--role {word}: there are {known}")
    if not words:
        raise InvalidSettings(f"--role: say what for: {known}")
    return [StaffRole(word) for word in dict.fromkeys(words)]


def _users(settings: Settings) -> LocalUsers:
    file = settings.review.console.users_file
    if file is None:
        raise InvalidSettings("review.console.users_file: name the file that is to hold the users")
    return LocalUsers(file)


def _password() -> str:
    """Typed twice at a terminal; else the first line of what comes in."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass("Password: ")
    if getpass("Once more: ") != first:
        raise InvalidSettings("the two are not the same: nothing was changed")
    return first
