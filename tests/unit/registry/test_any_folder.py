"""Whatever lies in the folder of policies, loading it ends: with a set or with its faults named."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.domain.binding import Catalogue
from consumer.errors import InvalidPolicy
from consumer.registry.load import load_catalogue
from consumer.registry.strays import strays_in
from tests.unit.registry.test_load import POLICY, TOPIC, Folder, folder

__all__ = ["folder"]


def outcome(root: Path) -> Catalogue | str:
    """The catalogue, or what is said; either can be printed."""
    try:
        found: Catalogue | str = load_catalogue(root)
    except InvalidPolicy as error:
        found = str(error)
    said = [str(found).encode(), *(str(stray).encode() for stray in strays_in(root))]
    assert all(b"\x1b" not in line for line in said)
    return found


def a_pipe(file: Path) -> None:
    os.mkfifo(file)


def a_socket(file: Path) -> None:
    """Bound by its short name: the path of one may have 108 bytes."""
    here = Path.cwd()
    os.chdir(file.parent)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(file.name)
    os.chdir(here)


def a_folder(file: Path) -> None:
    file.mkdir()


def a_device(file: Path) -> None:
    file.symlink_to("/dev/zero")


def a_link_to_itself(file: Path) -> None:
    file.symlink_to(file.name)


def a_hundred_megabytes(file: Path) -> None:
    """Of holes: it takes no room."""
    with file.open("wb") as made:
        made.truncate(100_000_000)


@pytest.mark.parametrize("name", ["chat/v1/p.md", "chat/topic.toml", "chat/pins.toml"])
@pytest.mark.parametrize(
    "made", [a_pipe, a_socket, a_folder, a_device, a_link_to_itself, a_hundred_megabytes]
)
def test_what_is_no_ordinary_file_is_named_and_never_waited_for(
    name: str, made: Callable[[Path], None], folder: Folder
) -> None:
    """A pipe would block the reader, a device would never end."""
    (folder.root / name).unlink(missing_ok=True)
    made(folder.root / name)
    said = folder.flaw()
    assert said.startswith(f"{name}:1: ")
    assert "cannot be read: " in said or "is larger than" in said


def test_a_set_that_cannot_be_looked_into_is_not_gone(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its topic must not fall back to another set's pattern, or to none."""
    folder.write("other/topic.toml", TOPIC.replace("chat.messages", "other"))
    folder.write("other/v1/p.md", POLICY)
    listed, found = os.listdir, os.path.lexists

    def refusing(path: Path) -> list[str]:
        if Path(path).name == "chat":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "listdir", refusing)
    monkeypatch.setattr(os.path, "lexists", lambda path: "chat/" not in str(path) and found(path))
    assert folder.flaw() == "chat:1: cannot be read: Permission denied"


@pytest.mark.parametrize(
    ("name", "shown"),
    [("hass_\udcfc.md", "hass_\\xfc.md"), ("a\n.md", "a\\x0a.md"), ("\x1b[2J.md", "\\x1b[2J.md")],
)
def test_a_name_that_cannot_be_written_is_named(name: str, shown: str, folder: Folder) -> None:
    """No digest could hold it, or it would break the lines of whoever prints it."""
    folder.write(f"chat/v1/{name}", POLICY)
    assert folder.flaw() == f"chat/v1/{shown}:1: the name is not UTF-8 on one line: rename it"


def test_a_set_whose_name_is_no_utf8_is_named(folder: Folder) -> None:
    folder.write("caf\udce9/topic.toml", TOPIC.replace("chat.messages", "other"))
    assert folder.flaw() == "caf\\xe9/topic.toml:1: the name is not UTF-8 on one line: rename it"


def test_more_policies_than_anyone_would_call_are_refused(folder: Folder) -> None:
    """Each is a call for each message, and reading them all would take minutes."""
    for number in range(70):
        folder.write(f"chat/v1/p{number}.md", POLICY)
    assert folder.flaw().startswith("chat/v1:1: holds 71 policies")


PIECES = st.sampled_from(
    [
        *(b"---\n", b"title: T\n", b"labels:\n", b"  HH0: allow\n", b"  HH2: block\n", b"rules:\n"),
        *(b"&a ", b"*a\n", b"- ", b"? ", b"[" * 50, b"{", b'"\\ud800"', b"\xef\xbb\xbf", b"\r\n"),
        *(b"HH0 HH2\n", b"!!int x\n", b"\xff", b"\x00", b"<|end|>", b"1" * 5_000, b"<<: ", b"\t"),
        *(b"second_look: {share: .nan}\n", b"examples: [{text: x, label: HH0}]\n"),
    ]
)
TABLES = st.sampled_from(
    [
        *(
            b'topics = ["chat"]\n',
            b"live = 1\n",
            b"[message]\n",
            b'text = ["/a"]\n',
            b"[[skip_when]]\n",
        ),
        *(
            b"equals = ['x']\n",
            b"field = '/a'\n",
            b"[" * 50,
            b"a." * 30,
            b"= ",
            b"1" * 5_000,
            b'"""',
        ),
        *(b"\xef\xbb\xbf", b"\r\n", b"\xff", b"live = nan\n", b"start = 2026-02-30\n", b"# x\n"),
    ]
)
CONTENTS = st.lists(PIECES | TABLES, max_size=10).map(b"".join) | st.binary(max_size=40)
GOOD = st.sampled_from([POLICY.encode(), b"\xef\xbb\xbf" + POLICY.encode(), TOPIC.encode()])
NAMES = st.sampled_from(
    [
        *("p.md", "q.md", "P.MD", ".p.md", "p.md~", "README.md", "cases.jsonl", "x.txt", "\n.md"),
        *("caf\udce9.md", "topic.toml", "pins.toml", "v1", "v2", "V3", "v01", "..data"),
    ]
)
PLACES = st.sampled_from(["chat", "chat/v1", "chat/v2", "chat/v1/deep", "caf\udce9/v1", ".git", ""])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(PLACES, NAMES, st.none() | GOOD | CONTENTS), max_size=8),
    st.lists(st.tuples(PLACES, NAMES, PLACES), max_size=2),
)
def test_any_folder(
    files: list[tuple[str, str, bytes | None]], links: list[tuple[str, str, str]]
) -> None:
    """Any names with any bytes, folders and links to anywhere: no crash, no wait, no silence."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        Folder(root)
        for place, file, content in files:
            try:
                (root / place).mkdir(parents=True, exist_ok=True)
                if content is None:
                    (root / place / file).mkdir()
                else:
                    (root / place / file).write_bytes(content)
            except OSError:
                continue
        for place, link, target in links:
            if (root / place).is_dir() and not os.path.lexists(root / place / link):
                (root / place / link).symlink_to(root / target)
        found = outcome(root)
        assert isinstance(found, str) or found.bindings
