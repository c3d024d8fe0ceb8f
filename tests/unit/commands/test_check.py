"""`policy check`: faults of policies, topics and cases end it, warnings do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.commands.check import check_policies
from consumer.errors import InvalidPolicy
from consumer.screening.decision.artefact import MAGIC
from consumer.screening.sealed import seal
from tests.salt import SALT
from tests.unit.registry.test_load import POLICY, TOPIC, Folder
from tests.unit.screening.decision.stage import by_hand

CASE = '{{"id":"{id}","text":"{text}","policy":"harassment","label":"{label}"}}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def printed(folder: Folder, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert check_policies(folder.root) == 0
    return capsys.readouterr().out.splitlines()


def test_what_there_is_is_told(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    """Each version with its digest, its policies and its cases."""
    folder.write("chat/v1/cases.jsonl", CASE.format(id="c1", text="hi", label="HH0"))
    folder.write("chat/v2/p.md", POLICY)
    first, second, end = printed(folder, capsys)
    assert first.startswith("live chat@v1")
    assert first.endswith("1 policy, 1 case")
    assert second.endswith("1 policy, no cases")
    assert end == "no faults"


def test_faults_of_cases_end_the_check(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    """By file and line, all of them at once."""
    folder.write(
        "chat/v1/cases.jsonl",
        CASE.format(id="c1", text="hi", label="HH0")
        + CASE.format(id="c1", text="ho", label="HH0")
        + CASE.format(id="c2", text="hi", label="HH2")
        + CASE.format(id="c3", text="he", label="HH9"),
    )
    with pytest.raises(InvalidPolicy) as caught:
        check_policies(folder.root)
    assert [str(flaw).split(": ")[0] for flaw in caught.value.flaws] == [
        "chat/v1/cases.jsonl:2",
        "chat/v1/cases.jsonl:3",
        "chat/v1/cases.jsonl:4",
    ]
    assert "no faults" not in capsys.readouterr().out


def test_warnings_are_named_by_file_and_line(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the live version and later ones: what was replaced may not change any more."""
    folder.policy("## HH2: Attacks\n", "## HH2: Attacks\n\nAnswer:\n")
    folder.write("chat/v2/p.md", POLICY)
    folder.topic('[outputs]\nflag = "{topic}.allow"\n')
    folder.write("chat/v2/P2.MD", POLICY)
    folder.write("chat/v2/old/p.md", POLICY)
    folder.write("chat/v2/notes.txt", "notes")
    folder.write("chat/v2/.hidden.md", "notes")
    folder.write("chat/v02/p.md", POLICY)
    folder.write("drafts/v1/p.md", POLICY)
    lines = printed(folder, capsys)
    warnings = [line.removeprefix("warning: ") for line in lines if line.startswith("warning: ")]
    assert [warning.split(": ")[0] for warning in warnings] == [
        "chat/v02:1",
        "chat/v2/P2.MD:1",
        "chat/v2/notes.txt:1",
        "chat/v2/old:1",
        "drafts:1",
        "chat/topic.toml:1",
        "chat/v1/harassment.md:21",
    ]
    assert lines[-1] == "no faults, 7 warnings"
    folder.write("chat/topic.toml", TOPIC.replace("live = 1", "live = 2"))
    assert not any("harassment.md" in line for line in printed(folder, capsys))


def test_a_byte_order_mark_moves_no_line(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (POLICY + "\nAnswer:\n").replace("\n", "\r\n")
    folder.write("chat/v1/harassment.md", b"\xef\xbb\xbf" + text.encode())
    assert "chat/v1/harassment.md:21: an answer to fill in" in printed(folder, capsys)[1]


def test_a_policy_that_a_decision_endpoint_is_asked_about_by_its_title_is_named(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    """And thresholds for another version; what is no such file is a fault."""
    folder.write("chat/salt", SALT)
    folder.write("chat/filters/d", seal(MAGIC, by_hand().head))
    folder.topic('[screening.decision]\nfile = "d"\nsalt_file = "salt"\n')
    lines = printed(folder, capsys)
    assert any(
        line.startswith(
            "warning: chat/v1/harassment.md:1: a decision endpoint is asked about it by its"
        )
        for line in lines
    ), lines
    assert any(
        "the thresholds for" in line and "the model must carry all messages" in line
        for line in lines
    )
    folder.write("chat/filters/d", b"none")
    with pytest.raises(InvalidPolicy, match=r"\[screening.decision\] .* is no filter"):
        check_policies(folder.root)
