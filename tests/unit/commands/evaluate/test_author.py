"""An evaluation tells the author of a policy what each rule did, on a terminal and as a page."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

import orjson
import pytest
from pydantic import TypeAdapter

from consumer.commands.evaluate.author import AuthorRequest, show_author
from consumer.commands.evaluate.cases.columns import columns_of
from consumer.commands.evaluate.evaluation import evaluate_cases
from consumer.commands.evaluate.report.author import author_lines
from consumer.commands.evaluate.report.document import EvaluationDocument
from consumer.commands.evaluate.report.suites import STAND_IN_NOTE
from consumer.commands.evaluate.request import CasesRequest
from consumer.commands.evaluate.runs.answer import answer_in
from consumer.dev.safeguard.server import StandInSafeguard
from consumer.errors import InvalidSettings
from consumer.settings.load import load_settings
from tests.journeys.worker import make_policies

ROWS = [
    ("a banned thing", "BANNED"),
    ("a banned thing, <b>quoted</b> \x1b[31m", "FINE"),
    ("a doubtful thing", "BANNED"),
    ("hidden harm", "DOUBT"),
    ("all is well", "FINE"),
]


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A folder with the report of an evaluation."""
    make_policies(tmp_path / "policies", '["in"]')
    # The stand-in says why in these words.
    file = tmp_path / "policies" / "set" / "v1" / "words.md"
    file.write_text(f"{file.read_text()}- What matches a term listed under BANNED, too.\n")
    rows = [
        {"id": f"c{at}", "words": text, "label": label} for at, (text, label) in enumerate(ROWS, 1)
    ]
    (tmp_path / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    async with StandInSafeguard() as server:
        changes = {
            "inference.endpoint": server.base_url,
            "policies.folder": str(tmp_path / "policies"),
        }
        asked = CasesRequest(
            "in",
            str(tmp_path / "cases.jsonl"),
            columns_of(["text=words"], []),
            results=tmp_path / "results.jsonl",
            reports=(tmp_path / "report.json",),
        )
        await evaluate_cases(load_settings(None, changes, environment={}), asked, as_json=True)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], request: AuthorRequest) -> str:
    capsys.readouterr()
    assert show_author(request) == 0
    return capsys.readouterr().out


async def test_rules_errors_gaps_and_words(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each with its figures; texts only where somebody asks for them."""
    found = said(capsys, AuthorRequest(folder / "report.json"))
    assert found.startswith("STAND-IN")
    assert "v1: set@v1 by openai/gpt-oss-safeguard-20b" in found
    assert "  R2 says the second word\n    cited 2 times, for BANNED 2; right .50" in found
    assert "    too harsh: 1, the clearest of them\n      line 2, id c2: BANNED, FINE due" in found
    assert "  R1 says the first word\n    cited 1 time, for DOUBT 1; right .00" in found
    assert "    too mild: 1, the clearest of them\n      line 3, id c3: DOUBT, BANNED due" in found
    assert "where one was due or acted on: 1\n      line 4, id c4: FINE, DOUBT due" in found
    assert "1 error, 1 right: matches a term listed under banned" in found
    assert "hidden harm" not in found
    assert max(map(len, found.splitlines())) <= 80
    with_texts = said(capsys, AuthorRequest(folder / "report.json", with_texts=True))
    assert "hidden harm" in with_texts
    assert "\x1b" not in with_texts
    assert max(map(len, with_texts.splitlines())) <= 80


async def test_the_page_hides_texts_and_asks_for_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No tag of a text is one of the page."""
    said(capsys, AuthorRequest(folder / "report.json", out=folder / "rules.html"))
    page = (folder / "rules.html").read_text()
    assert "default-src 'none'" in page
    assert "<b>quoted" not in page
    assert "<summary>show</summary><pre>a banned thing, &lt;b&gt;quoted&lt;/b&gt;" in page
    assert "<td>R2</td><td>says the second word</td><td>2</td>" in page
    assert "too mild" in page
    assert f'<p class="loud">{escape(STAND_IN_NOTE)}</p>' in page
    assert "answers that cite no rule, where one was due or acted on: 1</h3>" in page
    assert "words of the policy that the model repeats when it errs</h3>" in page
    assert "<td>matches a term listed under banned</td><td>1</td><td>1</td>" in page
    for fetched in (" src=", " href=", "@import", "url("):
        assert fetched not in page


async def test_how_sure_the_model_was_is_told_where_it_is_known(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server without log probabilities gives no score, and one is not made up."""
    report = orjson.loads((folder / "report.json").read_bytes())
    (policy,) = report["runs"][0]["policies"]
    (error,) = policy["citations"]["uncovered_named"]
    report["runs"][0]["is_by_stand_in"] = False
    for score, line, cell in ((0.875, ", score 0.88\n", "0.88"), (None, " due\n", "–")):
        error["score"] = score
        (folder / "scored.json").write_bytes(orjson.dumps(report))
        found = said(capsys, AuthorRequest(folder / "scored.json", out=folder / "rules.html"))
        assert f"line 4, id c4: FINE, DOUBT due{line.removeprefix(' due')}" in found
        assert (
            f"<td>DOUBT</td><td>FINE</td><td>{cell}</td><td>c4</td>"
            in (folder / "rules.html").read_text()
        )
    assert "loud" not in (folder / "rules.html").read_text().partition("<body")[2]


async def test_a_text_is_cut_and_wrapped_below_its_first_word(folder: Path) -> None:
    """Two columns further in than the line that it belongs to."""
    document = TypeAdapter(EvaluationDocument).validate_json((folder / "report.json").read_bytes())
    (run,) = document.runs
    (error,) = run.policies[0].citations.uncovered_named
    lines = list(author_lines(run, {error.text_digest: "word " * 100}))
    at = next(at for at, line in enumerate(lines) if line.startswith("      line 4"))
    text = [line for line in lines[at:] if "word" in line and "model repeats" not in line]
    assert sum(line.count("word") for line in text) == 60
    assert {len(line) - len(line.lstrip()) for line in text[1:]} == {8}


async def test_parts_without_anything_to_say_are_not_there(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither on the page nor on the terminal: no gaps, no words, no errors, no rules."""
    report = orjson.loads((folder / "report.json").read_bytes())
    (policy,) = report["runs"][0]["policies"]
    policy["citations"] = {"rules": [], "uncovered": 0, "uncovered_named": [], "quoted": []}
    (folder / "plain.json").write_bytes(orjson.dumps(report))
    found = said(capsys, AuthorRequest(folder / "plain.json", out=folder / "rules.html"))
    assert "it has no rules" in found
    page = (folder / "rules.html").read_text()
    for part in ("<table>", "answers that cite no rule", "words of the policy"):
        assert part not in page
    assert "words of the policy" not in found
    assert "cite no rule" not in found


async def test_texts_are_known_by_their_digests(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that has moved is named; a text that has changed is not shown as another."""
    (folder / "cases.jsonl").rename(folder / "moved.jsonl")
    request = AuthorRequest(folder / "report.json", out=folder / "rules.html")
    said(capsys, request)
    page = (folder / "rules.html").read_text()
    assert "hidden harm" not in page
    assert "the file of cases was not found" in page
    moved = folder / "moved.jsonl"
    moved.write_text(moved.read_text().replace("hidden harm", "another text"))
    found = said(capsys, request._replace(cases=str(moved), with_texts=True))
    assert "doubtful thing" in found
    assert "another text" not in found


async def test_what_is_no_report(folder: Path) -> None:
    """Names what is wrong and how to come by one."""
    with pytest.raises(InvalidSettings, match="cannot be read"):
        show_author(AuthorRequest(folder / "nowhere.json"))
    with pytest.raises(InvalidSettings, match="is no report of this version's evaluate"):
        show_author(AuthorRequest(folder / "cases.jsonl"))
    with pytest.raises(InvalidSettings, match=r"--run v9: .* has v1"):
        show_author(AuthorRequest(folder / "report.json", run="v9"))
    with pytest.raises(InvalidSettings, match="--report"):
        show_author(AuthorRequest(folder / "report.json", out=folder / "no" / "page.html"))


async def test_results_keep_rules_and_words_of_the_policy(folder: Path) -> None:
    """And are read again where an earlier version wrote none of them."""
    _, *lines = (folder / "results.jsonl").read_bytes().splitlines()
    answers = [answer_in(line) for line in lines]
    assert sum(answer is not None and answer.rules == ("R2",) for answer in answers) == 2
    assert any(
        answer and answer.quoted == ("matches a term listed under banned",) for answer in answers
    )
    old = orjson.loads(lines[0])
    del old["rules"], old["quoted"]
    before = answer_in(orjson.dumps(old))
    assert before is not None
    assert (before.rules, before.quoted) == ((), ())
    assert (folder / "results.jsonl").stat().st_mode & 0o111 == 0
