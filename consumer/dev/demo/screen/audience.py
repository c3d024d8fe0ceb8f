"""Audience: all who are told what happens: the screens, the score, and the story itself."""

from __future__ import annotations

from collections.abc import Callable

from consumer.dev.demo.screen.row import OutcomeRow, Told, row_of
from consumer.dev.demo.screen.screen import Screen
from consumer.dev.demo.stage.sender import Sender
from consumer.dev.demo.stage.stage import Stage


class Audience:
    """Makes a row of each record of an output, and shows it to everybody."""

    def __init__(self, stage: Stage, sender: Sender) -> None:
        self._stage, self._sender = stage, sender
        self._catalogue = stage.catalogue()
        self.screens: list[Screen] = []
        self.listeners: list[Callable[[OutcomeRow], None]] = []

    def __repr__(self) -> str:
        return f"<Audience of {len(self.screens)} screens>"

    def show(self, told: Told) -> None:
        row = row_of(told, self._catalogue)
        if row.version and not self._knows(row.version):
            # It was edited on stage.
            self._catalogue = self._stage.catalogue()
            row = row_of(told, self._catalogue)
        text, mark = self._sender.recall(told.position)
        row = row._replace(text=text, mark=mark)
        for listen in self.listeners:
            listen(row)
        for screen in self.screens:
            screen.show(row)

    def tell(self, caption: str) -> None:
        for screen in self.screens:
            screen.tell(caption)

    def _knows(self, version: str) -> bool:
        bindings = self._catalogue.bindings
        return any(each.id == version for b in bindings for each in b.versions.values())
