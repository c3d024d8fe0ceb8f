"""The command line as a whole: what no command foresaw is a line, too, where people can mend it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from consumer import cli
from consumer.cli.options import settings_of
from consumer.errors import InvalidSettings


def fails_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> object:
    """What the process ends with where a command raises this."""

    def app() -> None:
        raise error

    monkeypatch.setattr(cli, "app", app)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


def test_a_file_that_cannot_be_written_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a traceback, and as something to mend."""
    error = PermissionError(errno.EACCES, "Permission denied", "policies/chat/pins.toml")
    assert fails_with(error, monkeypatch) == 2
    assert capsys.readouterr().err == "safeguard: policies/chat/pins.toml: Permission denied\n"


def test_a_full_disk_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever was being written, standard output included."""
    assert fails_with(OSError(errno.ENOSPC, "No space left on device"), monkeypatch) == 2
    assert capsys.readouterr().err == "safeguard: No space left on device\n"


def test_what_nobody_can_mend_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug is reported with it."""

    def app() -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(cli, "app", app)
    with pytest.raises(OSError, match="Bad file descriptor"):
        cli.main()


@pytest.mark.parametrize("target", ["safeguard.toml", "unmounted/safeguard.toml"])
def test_a_link_that_leads_nowhere_is_no_missing_file(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker must not judge under the defaults because its settings are not mounted."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "safeguard.toml").symlink_to(target)
    with pytest.raises(InvalidSettings, match=r"safeguard\.toml cannot be read"):
        settings_of(None, None, quiet=True)
