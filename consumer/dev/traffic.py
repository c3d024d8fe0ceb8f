"""
Invented users who write: endless traffic for demonstrations, the same for the same seed.

Most of it is harmless; the rest has something of every kind that the shipped policies look for, in
the phrases that these policies quote, so that the stand-in safeguard recognises them. The lines
are in `phrases.toml`. About one record in 150 is broken, so that dead letters can be seen.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson

CHAT_TOPIC = "chat.messages"
COMMENTS_TOPIC = "comments.posted"

BROKEN_SHARE = 1 / 150
EDIT_SHARE = 0.01
SKIPPED_SHARE = 0.03
"""Of staff and bots, whom the topics' `skip_when` spares."""
HARMLESS_SHARE = 0.88
EDITABLE = 50
"""How many of the latest contributions may still be edited."""
EPOCH = datetime(2026, 1, 1, 18, tzinfo=UTC)

HARMLESS = "harmless"
BROKEN = "broken"

Lines = Mapping[str, list[str]]
"""Templates by language."""


class Contribution(NamedTuple):
    """One record as a producer would send it."""

    key: bytes
    value: bytes | None
    topic: str


class Breakage(StrEnum):
    """What is wrong with a broken record."""

    NOT_JSON = "not_json"
    NO_TEXT = "no_text"
    EMPTY_TEXT = "empty_text"
    TOMBSTONE = "tombstone"


def chat_messages(seed: int = 0, start: datetime = EPOCH) -> Iterator[Contribution]:
    """Live chat in rooms, for ever; `sent_at` counts from `start`."""
    return (contribution for _, contribution in labelled_chat(seed, start))


def comments(seed: int = 0) -> Iterator[Contribution]:
    """Comments under articles, for ever."""
    return (contribution for _, contribution in labelled_comments(seed))


def labelled_chat(seed: int = 0, start: datetime = EPOCH) -> Iterator[tuple[str, Contribution]]:
    """The same chat, each with its kind: `harmless`, `broken` or one of `phrases.toml`."""
    dice = random.Random(f"chat {seed}")
    phrases = _phrases()
    sent_at = start
    recent: list[dict[str, Any]] = []
    number = 0
    while True:
        sent_at += timedelta(milliseconds=dice.randint(1, 400))
        kind, language, role = _choose(dice, phrases["chat"])
        text = _filled(dice, dice.choice(phrases["chat"][kind][language]))
        if kind == HARMLESS:
            text += dice.choice(phrases["chat"]["tails"]["any"])
        if recent and role == "user" and dice.random() < EDIT_SHARE:
            document = dice.choice(recent) | {"text": text, "lang": language, "edited": True}
        else:
            number += 1
            nick = dice.choice(phrases["slots"]["nick"])
            document = {
                "id": f"m-{seed}-{number:07}",
                "room": f"room-{dice.randint(1, 40)}",
                "author": {"id": f"u-{nick}", "role": role},
                "lang": language,
                "text": text,
            }
            if role == "user":
                recent = [*recent[1 - EDITABLE :], document]
        document = document | {"sent_at": sent_at.isoformat(timespec="milliseconds")}
        yield _sent(dice, kind, document["room"], document, "text", CHAT_TOPIC)


def labelled_comments(seed: int = 0) -> Iterator[tuple[str, Contribution]]:
    """The same comments, each record with its kind."""
    dice = random.Random(f"comments {seed}")
    phrases = _phrases()
    parts = phrases["comments"]
    recent: list[dict[str, Any]] = []
    number = 0
    while True:
        kind, language, role = _choose(dice, parts)
        middle = dice.choice(parts["middles" if kind == HARMLESS else kind][language])
        said = [dice.choice(parts["openings"][language]), middle]
        said.append(dice.choice(parts["closings"][language]))
        body = _filled(dice, " ".join(filter(None, said)))
        if recent and role == "user" and dice.random() < EDIT_SHARE:
            document = dice.choice(recent) | {"body": body, "lang": language, "edited": True}
        else:
            number += 1
            # A reply has no title, and most comments are replies.
            is_reply = dice.random() < 0.6
            title = "" if is_reply else _filled(dice, dice.choice(parts["titles"][language]))
            document = {
                "comment_id": f"c-{seed}-{number:07}",
                "article": f"article-{dice.randint(1, 25)}",
                "author": f"r-{dice.choice(phrases['slots']['nick'])}",
                "role": "staff" if role == "bot" else role,
                "lang": language,
                "title": title,
                "body": body,
            }
            if role == "user":
                recent = [*recent[1 - EDITABLE :], document]
        yield _sent(dice, kind, document["article"], document, "body", COMMENTS_TOPIC)


def _choose(dice: random.Random, parts: Mapping[str, Lines]) -> tuple[str, str, str]:
    """Kind, language and the author's role: staff and bots write nothing harmful."""
    role = dice.choice(("staff", "bot")) if dice.random() < SKIPPED_SHARE else "user"
    harmless = parts.get(HARMLESS) or parts["middles"]
    if role != "user" or dice.random() < HARMLESS_SHARE:
        kind, lines = HARMLESS, harmless
    else:
        kind = dice.choice([name for name in parts if name not in _NOT_KINDS])
        lines = parts[kind]
    # English is as frequent as three other languages together.
    language = dice.choice([*lines, *["en", "en"] * ("en" in lines)])
    return kind, language, role


def _filled(dice: random.Random, template: str) -> str:
    """A template with its slots filled."""
    if "{" not in template:
        return template
    return template.format(**{slot: dice.choice(s) for slot, s in _phrases()["slots"].items()})


def _sent(
    dice: random.Random, kind: str, key: str, document: dict[str, Any], text: str, topic: str
) -> tuple[str, Contribution]:
    """The record of a contribution, broken now and then."""
    value: bytes | None = orjson.dumps(document)
    if dice.random() < BROKEN_SHARE:
        kind, value = BROKEN, _broken(dice.choice([*Breakage]), document, text)
    return kind, Contribution(key.encode(), value, topic)


def _broken(flaw: Breakage, document: dict[str, Any], text: str) -> bytes | None:
    # A comment's title is text too, so what lacks text lacks both.
    without = {name: value for name, value in document.items() if name not in (text, "title")}
    match flaw:
        case Breakage.NOT_JSON:
            encoded = orjson.dumps(document)
            return encoded[: len(encoded) // 2]
        case Breakage.NO_TEXT:
            return orjson.dumps(without)
        case Breakage.EMPTY_TEXT:
            return orjson.dumps(without | {text: "  "})
        case Breakage.TOMBSTONE:
            return None


@cache
def _phrases() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("phrases.toml").read_text(encoding="utf-8"))


_NOT_KINDS = frozenset({HARMLESS, "tails", "titles", "openings", "middles", "closings"})
