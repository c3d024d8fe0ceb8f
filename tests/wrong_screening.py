"""Wrong lists and filters, for `wrong_inputs.py`: what is done, in words, and the doing."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from consumer.commands.check import check_policies
from consumer.registry.load import load_catalogue
from consumer.screening.prefilter.artefact import check_use, encode
from consumer.screening.prefilter.head import RecallShown
from tests.journeys.worker import make_policies
from tests.salt import SALT
from tests.unit.screening.prefilter.filters import by_hand

Doing = Callable[[Path], object]
MODEL, TEMPLATE = "gpt-oss-safeguard-20b", "sg-1"
FILTER = '[screening.prefilter]\nfile = "chat.prefilter"\nsalt_file = "salt"\nrecall = {}\n'
LARGE = b"too large\n" * 400_001
"""More than a list may have."""


def listed(content: bytes | None, outcome: str = "block", match: str = "words") -> Doing:
    """A list with that content, or none where it is named."""
    table = f'[[screening.lists]]\nfile = "raid.txt"\noutcome = "{outcome}"\nmatch = "{match}"\n'

    def do(folder: Path) -> object:
        make_policies(folder, '["chat"]', more=table)
        (folder / "set" / "lists").mkdir()
        if content is not None:
            (folder / "set" / "lists" / "raid.txt").write_bytes(content)
        return load_catalogue(folder)

    return do


def filtered(
    spoil: Callable[[bytes], bytes] = lambda content: content,
    salt: bytes | None = SALT,
    recall: float = 0.95,
    **changes: Any,
) -> Doing:
    """`policy check` of a set whose filter was made as `changes` say, and spoilt."""

    def do(folder: Path) -> object:
        artefact = by_hand(version=made_for(folder), version_digest=live(folder), **changes)
        (folder / "set" / "filters").mkdir()
        content = spoil(encode(artefact.head, artefact.weights, artefact.familiar))
        (folder / "set" / "filters" / "chat.prefilter").write_bytes(content)
        if salt is not None:
            (folder / "set" / "salt").write_bytes(salt)
        make_policies(folder, '["chat"]', more=FILTER.format(recall))
        with contextlib.redirect_stdout(io.StringIO()):
            return check_policies(folder)

    return do


def used(**changes: Any) -> Doing:
    """A sound filter beside what it was not made for."""

    def do(folder: Path) -> object:
        right = {"version_digest": live(folder), "model": MODEL, "template": TEMPLATE}
        artefact = by_hand(**right | changes, version=made_for(folder))
        check_use(artefact, live(folder), MODEL, TEMPLATE)
        return None

    return do


def live(folder: Path) -> str:
    """The digest of what is live."""
    make_policies(folder, '["chat"]')
    return load_catalogue(folder).bindings[0].live.digest


def made_for(folder: Path) -> str:
    make_policies(folder, '["chat"]')
    return load_catalogue(folder).bindings[0].live.id


def _changed(content: bytes) -> bytes:
    return content[:-40] + bytes([content[-40] ^ 1]) + content[-39:]


WEAK = RecallShown(positives=30, missed=1, recall=29 / 30, low=0.851, settled=0.7)

SCREENING: tuple[tuple[str, Doing], ...] = (
    ("a pattern with a back-reference", listed(rb"(\w+) \1", match="patterns")),
    ("a pattern with a look-ahead", listed(rb"free(?= gift)", match="patterns")),
    ("a pattern that is found in everything", listed(b"(spam)*", match="patterns")),
    ("a letter that is found in everything", listed(b"e", match="anywhere")),
    ("a list that allows, and is not exact", listed(b"good morning", "allow")),
    ("a list that is not UTF-8", listed(b"first\ncaf\xe9\n")),
    ("a list that is too large", listed(LARGE)),
    ("a list that is not there", listed(None)),
    ("a filter that was changed", filtered(_changed)),
    ("a filter that is cut short", filtered(lambda content: content[:200])),
    ("some other file instead of a filter", filtered(lambda _: b"\x80\x04pickle")),
    ("a threshold without evidence", filtered(shown=WEAK)),
    ("a filter for a lower recall", filtered(recall=0.99)),
    ("a filter that is less sure of its recall", filtered(alpha=0.2)),
    ("a salt that cannot be read", filtered(salt=None)),
    ("a salt that is too short", filtered(salt=b"short")),
    ("a salt that is no secret", filtered(salt=b"changeme-changeme-changeme")),
    ("a filter for another version", used(version_digest="0" * 32)),
    ("a filter for another model", used(model="gpt-oss-safeguard-120b")),
    ("a filter for another prompt", used(template="sg-0")),
)
