"""`prefilter on` and `off`: only where there is a filter to switch and a place to say so."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from consumer.commands.prefilter import switching
from consumer.commands.prefilter.switching import switch_filter
from consumer.errors import BrokerUnavailable, InvalidSettings, TopicsMissing
from consumer.kafka.cluster.audits import AUDITS_TOPIC
from consumer.screening.audits.note import read_note
from consumer.screening.prefilter.artefact import write_artefact
from consumer.settings.load import load_settings
from consumer.settings.settings import Settings
from tests.salt import SALT
from tests.unit.registry.test_load import Folder
from tests.unit.screening.prefilter.filters import by_hand

TABLE = '[screening.prefilter]\nfile = "f"\nsalt_file = "salt"\nrecall = 0.95\n'


class FakeTopics:
    found: dict[str, int] = {}

    def __init__(self, _config: object) -> None: ...

    def partitions(self) -> dict[str, int]:
        return self.found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setattr(switching, "Topics", FakeTopics)
    monkeypatch.setattr(FakeTopics, "found", {"chat": 1})
    return Folder(tmp_path)


def settings(folder: Folder) -> Settings:
    return load_settings(None, {"policies.folder": str(folder.root)}, environment={})


def topic(folder: Folder) -> str:
    return folder.load().patterns[0]


def test_without_a_filter_there_is_nothing_to_switch(folder: Folder) -> None:
    with pytest.raises(InvalidSettings, match="names no filter"):
        switch_filter(settings(folder), topic(folder), "switched on")


def test_a_word_is_said_about_the_filter_in_force(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither about one for another version, nor where nobody would hear it."""
    folder.write("chat/salt", SALT)
    folder.write("chat/filters/f", b"")
    folder.topic(TABLE)
    file = folder.root / "chat/filters/f"
    write_artefact(file, by_hand())
    with pytest.raises(InvalidSettings, match=r"no filter to switch: .*policy version 'd1'"):
        switch_filter(settings(folder), topic(folder), "switched off")
    live = folder.load().live.digest
    artefact = by_hand(version_digest=live)
    write_artefact(file, artefact)
    with pytest.raises(TopicsMissing, match="safeguard topics apply"):
        switch_filter(settings(folder), topic(folder), "switched off")

    monkeypatch.setattr(FakeTopics, "found", {AUDITS_TOPIC: 1})
    written: list[bytes] = []
    faults: list[str | None] = [None]

    def write(_config: object, value: bytes) -> str | None:
        written.append(value)
        return faults[0]

    monkeypatch.setattr(switching, "write_note", write)
    assert switch_filter(settings(folder), topic(folder), "switched off") == 0
    assert f"the filter {artefact.digest} of chat@v1 is switched off" in capsys.readouterr().out
    note = read_note(written[0])
    assert note is not None
    assert (note.kind, note.version, note.artefact) == ("switched off", live, artefact.digest)
    faults[0] = "refused"
    with pytest.raises(BrokerUnavailable, match="cannot be written: refused"):
        switch_filter(settings(folder), topic(folder), "switched on")


def test_who_may_not_read_the_salt_can_switch_off_and_not_on(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is called at night is no worker; only what settles messages needs the secret."""
    folder.write("chat/filters/f", b"")
    folder.topic(TABLE)
    live = folder.load().live.digest
    artefact = by_hand(version_digest=live)
    write_artefact(folder.root / "chat/filters/f", artefact)
    monkeypatch.setattr(FakeTopics, "found", {AUDITS_TOPIC: 1})
    written: list[bytes] = []
    monkeypatch.setattr(switching, "write_note", lambda _config, value: written.append(value))

    with pytest.raises(InvalidSettings, match=r"the salt of the audits in .* cannot be read"):
        switch_filter(settings(folder), topic(folder), "switched on")
    assert not written
    assert switch_filter(settings(folder), topic(folder), "switched off") == 0
    note = read_note(written[0])
    assert note is not None
    assert (note.kind, note.version, note.artefact) == ("switched off", live, artefact.digest)


@pytest.mark.parametrize("content", [b"", b"words", b"safeguard prefilter 1\n"])
@pytest.mark.parametrize("kind", ["switched on", "switched off"])
def test_a_broken_file_says_nothing_of_what_workers_run(
    folder: Folder, content: bytes, kind: Literal["switched on", "switched off"]
) -> None:
    folder.write("chat/salt", SALT)
    folder.write("chat/filters/f", content)
    folder.topic(TABLE)
    with pytest.raises(InvalidSettings, match=r"no filter to switch: .*filters/f is "):
        switch_filter(settings(folder), topic(folder), kind)
