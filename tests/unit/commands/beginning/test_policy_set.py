"""`safeguard policy new`: what it writes is without fault and without warning."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from consumer.commands.beginning.policy_set import letters_of, new_policy
from consumer.commands.check import check_policies
from consumer.errors import InvalidSettings


@pytest.mark.parametrize("name", ["spam", "scams_spam", "x", "9", "hate-speech", "a" * 64])
def test_what_is_written_passes_the_check(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the policy is called; nothing is doubtful either."""
    assert new_policy(tmp_path / "policies", name, "chat.messages") == 0
    assert check_policies(tmp_path / "policies") == 0
    said = capsys.readouterr().out
    assert "6 cases" in said
    assert said.endswith("no faults\n")


def test_nobodys_set_is_written_over(tmp_path: Path) -> None:
    """It says how a policy is added to a set instead."""
    new_policy(tmp_path, "spam", "chat")
    before = (tmp_path / "chat" / "v1" / "spam.md").read_bytes()
    with pytest.raises(InvalidSettings, match=r"copy its live version, such as v1/ to v2/"):
        new_policy(tmp_path, "spam", "chat")
    assert (tmp_path / "chat" / "v1" / "spam.md").read_bytes() == before
    (tmp_path / "chat" / "topic.toml").write_text('topics = ["other"]\nlive = 1\n')
    with pytest.raises(InvalidSettings, match="other is bound by"):
        new_policy(tmp_path, "spam", "other")


def test_a_full_disk_leaves_no_half_of_a_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is named, and the next try does not find something there already."""
    written: list[Path] = []
    write_text = Path.write_text

    def write(file: Path, *given: Any, **more: Any) -> int:
        written.append(file)
        if len(written) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_text(file, *given, **more)

    monkeypatch.setattr(Path, "write_text", write)

    with pytest.raises(OSError, match=r"scams\.md"):
        new_policy(tmp_path, "scams", "my.chat")
    assert list(tmp_path.iterdir()) == []
    assert new_policy(tmp_path, "scams", "my.chat") == 0


@pytest.mark.parametrize(
    ("name", "topic"),
    [("Spam", "t"), ("../x", "t"), ("", "t"), ("x", "a/b"), ("x", "."), ("x", ".."), ("x", "")],
)
def test_names_that_are_none(name: str, topic: str, tmp_path: Path) -> None:
    """Nothing is written outside of the folder, or at all."""
    with pytest.raises(InvalidSettings, match=r"names no policy|no name of a Kafka topic"):
        new_policy(tmp_path, name, topic)
    assert not list(tmp_path.iterdir())


def test_labels_begin_with_the_names_letters() -> None:
    """Short, and told apart from those of other policies."""
    assert [letters_of(name) for name in ("scams_spam", "spam", "9")] == ["SS", "SP", "P"]
