"""A filter's file holds no code, and a broken or foreign one is refused by name."""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path

import pytest

from consumer.errors import InvalidSettings
from consumer.screening import sealed as sealed_file
from consumer.screening.prefilter import artefact as module
from consumer.screening.prefilter.artefact import (
    check_use,
    decode,
    encode,
    read_artefact,
    write_artefact,
)
from consumer.screening.prefilter.head import RecallShown
from tests.unit.screening.prefilter.filters import by_hand, head


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    """And writing it again gives the same bytes, so it has one digest."""
    made = by_hand()
    file = tmp_path / "chat.prefilter"
    write_artefact(file, made)
    found = read_artefact(file)

    assert found == made
    assert encode(found.head, found.weights, found.familiar) == file.read_bytes()
    assert [each.name for each in tmp_path.iterdir()] == ["chat.prefilter"]
    assert found.model.bias == -1.0


def test_every_changed_byte_is_found() -> None:
    made = by_hand()
    content = encode(made.head, made.weights, made.familiar)
    for at in (0, len(module.MAGIC), 200, len(content) // 2, len(content) - 1):
        changed = bytearray(content)
        changed[at] ^= 1
        with pytest.raises(InvalidSettings, match=r"f: |f is "):
            decode(bytes(changed), "f")


@pytest.mark.parametrize("length", [0, 10, 40, 1_000, -1])
def test_a_file_that_is_cut_short_is_refused(length: int) -> None:
    made = by_hand()
    content = encode(made.head, made.weights, made.familiar)
    with pytest.raises(InvalidSettings, match=r"f is (no filter|broken)"):
        decode(content[:length], "f")


def test_sound_checksums_over_nonsense_are_refused_too() -> None:
    """Someone may write a file of their own; nothing in it is run, and no part is believed."""
    made = by_hand()
    whole = encode(made.head, made.weights, made.familiar)[: -sealed_file.CHECK]

    def sealed(body: bytes) -> bytes:
        return body + blake2b(body, digest_size=sealed_file.CHECK).digest()

    about = whole.index(b"{")
    for body, said in (
        (module.MAGIC + (10**6).to_bytes(4, "little"), "cut short"),
        (module.MAGIC + (2).to_bytes(4, "little") + b"{}", "does not say what it is for"),
        (whole[:-1], "no table of familiar words"),
        (whole[: about + len(made.head.model_dump_json())] + b"\xff\xff\xff\xff", "cut short"),
        (whole.replace(b'"form":1', b'"form":2'), "does not say what it is for"),
    ):
        with pytest.raises(InvalidSettings, match=said):
            decode(sealed(body), "f")


def test_a_weight_that_is_no_number_is_refused() -> None:
    made = by_hand()
    made.weights[5] = float("inf")
    with pytest.raises(InvalidSettings, match="weight that is none"):
        decode(encode(made.head, made.weights, made.familiar), "f")


def test_a_file_that_cannot_be_read_or_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidSettings, match=r"pipe cannot be read: it is no ordinary file"):
        read_artefact(tmp_path / "pipe")
    with pytest.raises(InvalidSettings, match=r"missing cannot be read: No such file"):
        read_artefact(tmp_path / "missing")
    file = tmp_path / "large"
    file.write_bytes(b"x" * 11)
    monkeypatch.setattr(sealed_file, "FILE_MAX", 10)
    with pytest.raises(InvalidSettings, match="larger than 10 bytes"):
        read_artefact(file)


@pytest.mark.parametrize(
    ("version", "model", "template", "said"),
    [
        ("d2", "m1", "t1", "policy version 'd1' and 'd2'"),
        ("d1", "m2", "t1", "model 'm1' and 'm2'"),
        ("d1", "m1", "t2", "prompt template 't1' and 't2'"),
    ],
)
def test_a_filter_for_something_else_is_refused(
    version: str, model: str, template: str, said: str
) -> None:
    with pytest.raises(InvalidSettings, match=said):
        check_use(by_hand(), version, model, template)


def test_a_filter_without_evidence_is_refused_with_its_numbers() -> None:
    shown = RecallShown(positives=40, missed=1, recall=0.975, low=0.9, settled=0.8)
    with pytest.raises(InvalidSettings, match=r"0\.900 was shown with 40 positives, 1 of them"):
        check_use(by_hand(shown=shown), "d1", "m1", "t1")
    none = RecallShown(positives=0, missed=0, recall=0, low=1.0, settled=0)
    assert not head(shown=none).has_evidence
    check_use(by_hand(), "d1", "m1", "t1")
