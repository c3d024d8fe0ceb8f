"""Edit: what a moderator changes on stage: a rule more, in the next version of a policy."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

from consumer.dev.demo.stage.stage import INPUTS

SENTENCE = "selling my account, level 80, all skins, who wants it"
POLICY = "scams_spam.md"


class Change(NamedTuple):
    """Lines that are put in after another one."""

    after: str
    line: str


CHANGES = (
    Change("  SC1.b: moved to a private place\n", "  SC1.c: trade of game accounts\n"),
    Change(
        '"add me on telegram", "schreib mir privat".\n',
        '- SC1.c: offers or asks for a game account: "selling my account", "buying accounts".\n',
    ),
)


class PolicyEdit:
    """The next version of a policy set, written beside the live one and then made live."""

    def __init__(self, policies: Path) -> None:
        self._set = policies / INPUTS[0]

    def __repr__(self) -> str:
        return f"<PolicyEdit of {self._set}>"

    @property
    def applies(self) -> bool:
        """Whether these are the policies that it was written for."""
        file = self._set / "v2" / POLICY
        return file.is_file() and all(change.after in file.read_text() for change in CHANGES)

    def publish(self) -> None:
        """A version that is live is never changed: its successor is, and `live` says so."""
        shutil.copytree(self._set / "v2", self._set / "v3")
        file = self._set / "v3" / POLICY
        text = file.read_text()
        for change in CHANGES:
            text = text.replace(change.after, change.after + change.line)
        file.write_text(text)
        topic = self._set / "topic.toml"
        topic.write_text(topic.read_text().replace("live = 2", "live = 3"))
