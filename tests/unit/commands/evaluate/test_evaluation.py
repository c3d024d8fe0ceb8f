"""A file of cases is judged by the workers' path, once, and measured as scikit-learn does."""

from __future__ import annotations

import asyncio
import io
import json
import signal
import sys
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from pydantic import TypeAdapter
from sklearn.metrics import f1_score, precision_score, recall_score

from consumer.commands.costs.prices import PriceRequest
from consumer.commands.evaluate import evaluation
from consumer.commands.evaluate.cases.columns import columns_of
from consumer.commands.evaluate.evaluation import evaluate_cases
from consumer.commands.evaluate.report.document import EvaluationDocument
from consumer.commands.evaluate.report.gates import gates_of
from consumer.commands.evaluate.request import CasesRequest
from consumer.commands.evaluate.runs.answer import KeptAnswer
from consumer.dev.safeguard.behaviour import Behaviour
from consumer.dev.safeguard.server import StandInSafeguard
from consumer.errors import InferenceUnavailable, InvalidSettings
from consumer.settings.load import load_settings
from consumer.settings.settings import Settings
from tests.journeys.worker import POLICY, make_policies
from tests.waiting import until

TEXTS = [
    ("all is well", "FINE", "en", "men"),
    ("a doubtful thing", "DOUBT", "en", "men"),
    ("a banned thing", "BANNED", "de", "women"),
    ("a banned thing, said nicely", "FINE", "de", "women"),
    ("something hidden", "BANNED", "fr", ""),
    ("one more doubtful thing", "BANNED", "", ""),
]
PREDICTED = ["FINE", "DOUBT", "BANNED", "BANNED", "FINE", "DOUBT"]


@pytest.fixture
async def server() -> AsyncIterator[StandInSafeguard]:
    async with StandInSafeguard(record=True) as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    policies = tmp_path / "policies"
    make_policies(policies, '["in"]', live=2)
    make_policies(policies, '["in"]')
    # The second version no longer knows the banned thing.
    milder = POLICY.replace('"banned thing"', '"thing that is nowhere"')
    (policies / "set" / "v2" / "words.md").write_text(milder)
    rows = [
        {"id": f"c{at}", "text": text, "label": label, "lang": language, "group": group}
        for at, (text, label, language, group) in enumerate(TEXTS, 1)
    ]
    (tmp_path / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def settings(folder: Path, endpoint: str) -> Settings:
    changes = {"inference.endpoint": endpoint, "policies.folder": str(folder / "policies")}
    return load_settings(None, changes, environment={})


def request(folder: Path, **changes: Any) -> CasesRequest:
    asked = CasesRequest(
        "in",
        str(folder / "cases.jsonl"),
        results=folder / "results.jsonl",
        reports=(folder / "report.json", folder / "report.html"),
        versions=("v1",),
    )
    return asked._replace(**changes)


async def run(folder: Path, endpoint: str, **changes: Any) -> tuple[int, dict[str, Any]]:
    code = await evaluate_cases(
        settings(folder, endpoint), request(folder, **changes), as_json=True
    )
    return code, orjson.loads((folder / "report.json").read_bytes())


async def test_figures_are_scikit_learns(folder: Path, server: StandInSafeguard) -> None:
    """Of labels and of harmful texts, and every slice adds up."""
    code, found = await run(folder, server.base_url)
    assert code == 0
    (measured,) = found["runs"]
    due = [label for _, label, _, _ in TEXTS]
    (policy,) = measured["policies"]
    for label in policy["labels"]:
        wanted, got = ([each == label["label"] for each in side] for side in (due, PREDICTED))
        assert label["precision"]["value"] == pytest.approx(precision_score(wanted, got))
        assert label["recall"]["value"] == pytest.approx(recall_score(wanted, got))
    harmful, taken = ([each != "FINE" for each in side] for side in (due, PREDICTED))
    assert measured["outcome"]["f1"]["value"] == pytest.approx(f1_score(harmful, taken))
    assert measured["outcome"]["false_positive_rate"]["value"] == 0.5
    parts = {(part["kind"], part["name"]): part["texts"] for part in measured["slices"]}
    assert parts == {
        ("language", "de"): 2,
        ("language", "en"): 2,
        ("language", "fr"): 1,
        ("group", "men"): 2,
        ("group", "women"): 2,
    }
    assert measured["is_by_stand_in"] is True
    assert policy["confusion"]["BANNED"] == {"BANNED": 1, "DOUBT": 1, "FINE": 1}
    assert [mistake["id"] for mistake in found["mistakes"]] == ["c4", "c5", "c6"]


async def test_nothing_is_judged_twice(folder: Path, server: StandInSafeguard) -> None:
    """A second run of the same asks nothing, and one that lacks answers asks for those alone."""
    await run(folder, server.base_url)
    asked = len(server.answers)
    _, found = await run(folder, server.base_url)
    probes = asked - len(TEXTS)
    assert len(server.answers) == asked + probes
    lines = (folder / "results.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "results.jsonl").write_bytes(b"".join(lines[:4]) + lines[4][:20])
    _, again = await run(folder, server.base_url)
    assert len(server.answers) == asked + 2 * probes + 3
    assert (again["results"]["kept_before"], again["results"]["judged_twice"]) == (3, 0)
    assert again["runs"][0]["outcome"] == found["runs"][0]["outcome"]


async def test_the_same_text_twice_is_judged_once(folder: Path, server: StandInSafeguard) -> None:
    """Side by side too; both rows are counted."""
    row = '{"text":"a banned thing","label":"BANNED"}\n'
    (folder / "cases.jsonl").write_text(row * 20)
    server.behave(Behaviour(latency_s=0.02))
    _, found = await run(folder, server.base_url)
    texts = [answer.text for answer in server.answers]
    assert texts.count("a banned thing") == 1
    assert found["runs"][0]["questions"] == 20
    assert found["cases"]["duplicates"] == 19


async def test_versions_side_by_side_and_once_more(folder: Path, server: StandInSafeguard) -> None:
    """Flips by direction beside those of the same again, with the texts that flipped."""
    _, found = await run(folder, server.base_url, versions=("v1", "v2"), with_rerun=True)
    assert [each["run"] for each in found["runs"]] == ["v1", "v2", "v1 again"]
    second, again = found["comparisons"]
    assert (second["flips"], second["milder"], second["harsher"]) == (2, 2, 0)
    assert (second["became_right"], second["became_wrong"], second["mcnemar_p"]) == (1, 1, 1.0)
    assert [flip["id"] for flip in second["named"]] == ["c3", "c4"]
    assert (again["flips"], again["compared"]) == (0, 6)
    page = (folder / "report.html").read_text()
    assert "a banned thing, said nicely" in page


async def test_several_policies_a_text_and_unknown_labels(
    folder: Path, server: StandInSafeguard
) -> None:
    """Exact match wants all labels of a text; a harmless text with an unknown label is neither."""
    other = folder / "policies" / "set" / "v1" / "more.md"
    other.write_text(POLICY.replace("title: Words", "title: More"))
    rows = [
        {"text": "all is well", "A": "FINE", "B": "FINE"},
        {"text": "a banned thing", "A": "BANNED", "B": "FINE"},
        {"text": "quite well", "A": "FINE"},
        {"text": "another banned thing", "A": "BANNED", "B": None},
    ]
    (folder / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    columns = columns_of(["label.words=A", "label.more=B"], [])
    _, found = await run(folder, server.base_url, columns=columns)
    measured = found["runs"][0]
    assert measured["questions"] == 6
    assert measured["exact_match"]["value"] == 0.5
    outcome = measured["outcome"]
    assert (outcome["found"], outcome["passed"]) == (2, 1)


async def test_context_is_shown_as_workers_show_it(folder: Path, server: StandInSafeguard) -> None:
    """Where the topic has any, bounded by its terms; in another setting a text is another."""
    file = folder / "policies" / "set" / "topic.toml"
    more = '[message]\nconversation = "/room"\n[context]\nmessages = 1\n'
    file.write_text(file.read_text() + more)
    said = [{"author": "b", "text": "too old"}, {"author": "b", "text": "look at this"}]
    rows: list[dict[str, Any]] = [
        {"text": "all is well", "label": "FINE", "context": {"author": "a", "messages": said}},
        {"text": "all is well", "label": "FINE"},
        {"text": "all is well", "label": "FINE", "context": {"messages": [5]}},
    ]
    (folder / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    _, found = await run(folder, server.base_url)
    assert found["results"]["answers"] == 2
    assert found["cases"]["duplicates"] == 0
    assert "a message is an object with a text" in found["cases"]["bad_rows_named"][0]
    assert found["runs"][0]["template"] == "sg-1-context-1"
    bodies = [bytes(request.body).decode() for request in server.requests]
    assert sum('B: "look at this"' in body.replace("\\", "") for body in bodies) == 1
    assert not any("too old" in body for body in bodies)


async def test_attacks_beside_the_noise(folder: Path, server: StandInSafeguard) -> None:
    """A word list falls for spelling and not for instructions, and does not flip by itself."""
    _, found = await run(folder, server.base_url, attacks=2)
    attacked = found["robustness"]
    assert (attacked["texts"], attacked["noise_turned"]) == (2, 0)
    turned = {each["attack"]: each["turned"] for each in attacked["attacks"]}
    assert turned["rot13"] == 2
    assert turned["ignore"] == 0


async def test_a_bound_on_tokens_stops_the_run(folder: Path, server: StandInSafeguard) -> None:
    """What was not asked is said, and raising the bound goes on from there."""
    _, found = await run(folder, server.base_url, tokens_max=1, concurrency=1)
    assert found["results"]["is_stopped_by_bound"] is True
    assert (found["runs"][0]["questions"], found["runs"][0]["unanswered"]) == (1, 5)
    _, whole = await run(folder, server.base_url)
    assert whole["runs"][0]["questions"] == 6
    assert whole["results"]["judged_twice"] == 0


async def test_a_server_that_goes_away_ends_the_run(folder: Path) -> None:
    """What was judged is kept, and the same command goes on from there."""
    rows = "".join(f'{{"text":"text {n}","label":"FINE"}}\n' for n in range(120))
    (folder / "cases.jsonl").write_text(rows)
    async with StandInSafeguard(record=True) as server:
        server.behave(Behaviour(latency_s=0.01))
        here = settings(folder, server.base_url)
        running = asyncio.create_task(evaluate_cases(here, request(folder), as_json=True))
        await until(lambda: len(server.answers) > 40, "answers")
    with pytest.raises(InferenceUnavailable, match="the same command goes on from there"):
        await running
    async with StandInSafeguard() as server:
        _, found = await run(folder, server.base_url)
    assert found["runs"][0]["questions"] == 120
    assert found["results"]["kept_before"] > 20
    assert found["results"]["judged_twice"] == 0


async def test_faults_are_counted_with_the_label_that_was_given(
    folder: Path, server: StandInSafeguard
) -> None:
    """And what they leave unjudged is a miss, with its reason."""
    odd = '{"label":"ODD","rules":[],"confidence":"high","rationale":""}'
    probe = '{"label":"SAFE","rules":[],"confidence":"high","rationale":""}'
    server.reply_with(lambda asked: odd if "FINE" in str(asked) else probe)
    code, found = await run(folder, server.base_url)
    measured = found["runs"][0]
    assert code == 1
    assert sum(measured["unjudged"].values()) == 6
    assert any(name.endswith("label ODD") for name in measured["faults"])
    assert measured["accuracy"]["value"] == 0
    # What cannot be judged is flagged here, so whole texts are taken for harmful.
    assert measured["outcome"]["recall"]["value"] == 1


@pytest.mark.parametrize(
    ("bounds", "code"),
    [
        ({"min_recall": ["0.7"]}, 0),
        ({"min_recall": ["BANNED=0.3,words=0.7"], "max_fpr": ["0.5"]}, 0),
        ({"min_recall": ["BANNED=0.9"]}, 1),
        ({"max_fpr": ["words=0.1"]}, 1),
    ],
)
async def test_bounds_decide_the_exit_code(
    folder: Path, server: StandInSafeguard, bounds: dict[str, list[str]], code: int
) -> None:
    """And each is in the report."""
    found, report = await run(folder, server.base_url, gates=gates_of(dict(bounds)))
    assert found == code
    assert all(gate["is_kept"] for gate in report["gates"]) == (code == 0)


async def test_bounds_of_the_topic_hold_beside_those_of_the_command(
    folder: Path, server: StandInSafeguard
) -> None:
    """Once written down nobody has to remember them."""
    file = folder / "policies" / "set" / "topic.toml"
    file.write_text(file.read_text() + "[gate]\nmax_fpr = { outcome = 0.1 }\n")
    code, report = await run(folder, server.base_url, gates=gates_of({"min_recall": ["0.1"]}))
    assert code == 1
    assert [(gate["gate"], gate["is_kept"]) for gate in report["gates"]] == [
        ("false_positive_rate of outcome <= 0.1", False),
        ("recall of outcome >= 0.1", True),
    ]


@pytest.mark.parametrize("part", [{"limit": 3}, {"tokens_max": 1, "concurrency": 1}])
async def test_bounds_of_the_topic_are_not_held_against_a_part(
    folder: Path,
    server: StandInSafeguard,
    part: dict[str, int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """They are named as open; those of the command line are of whatever was asked."""
    file = folder / "policies" / "set" / "topic.toml"
    file.write_text(file.read_text() + "[gate]\nmin_recall = { words = 1.0 }\n")
    code, report = await run(folder, server.base_url, **part)
    assert (code, report["gates"]) == (0, [])
    assert report["gates_left_open"] == ["recall of words >= 1"]
    code, report = await run(
        folder, server.base_url, gates=gates_of({"min_recall": ["words=1"]}), **part
    )
    assert [gate["gate"] for gate in report["gates"]] == ["recall of words >= 1"]
    capsys.readouterr()
    asked = request(folder, **part)
    assert await evaluate_cases(settings(folder, server.base_url), asked, as_json=False) == 0
    assert "open   recall of words >= 1" in capsys.readouterr().out
    code, report = await run(folder, server.base_url)
    assert (code, report["gates_left_open"]) == (1, [])


async def test_the_table_fits_a_terminal(
    folder: Path, server: StandInSafeguard, capsys: pytest.CaptureFixture[str]
) -> None:
    """Eighty columns, the stand-in named first, and what a thousand texts cost."""
    asked = request(
        folder, versions=("v1", "v2"), with_rerun=True, prices=PriceRequest(1.0, None, 2.0)
    )
    await evaluate_cases(settings(folder, server.base_url), asked, as_json=False)
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("STAND-IN")
    assert "cost" in said.out
    assert "v2 against v1" in said.out
    assert "line 1, id c1: words FINE: all is well" in said.err


async def test_a_terminal_obeys_neither_model_nor_file(
    folder: Path, server: StandInSafeguard, capsys: pytest.CaptureFixture[str]
) -> None:
    """Control characters in labels, ids and texts are shown as what they are."""
    odd = json.dumps({"label": "\x1b[2J" + "O" * 500, "rules": [], "confidence": "high"})
    probe = '{"label":"SAFE","rules":[],"confidence":"high","rationale":""}'
    server.reply_with(lambda asked: odd if "FINE" in str(asked) else probe)
    row = {"id": "\x1b[31m", "text": "\x1b]0;x\x07 all", "label": "FINE", "group": "\x1b[1m"}
    (folder / "cases.jsonl").write_text(json.dumps(row) + "\n")
    await evaluate_cases(settings(folder, server.base_url), request(folder), as_json=False)
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    assert max(map(len, said.out.splitlines())) <= 80
    assert "OOO" in said.out


async def test_the_report_is_what_its_schema_says(folder: Path, server: StandInSafeguard) -> None:
    """Every field of it, and no other."""
    await run(folder, server.base_url, versions=("v1", "v2"), attacks=1)
    content = (folder / "report.json").read_bytes()
    document = TypeAdapter(EvaluationDocument).validate_json(content)
    assert document.json() == content


class Outside(HTMLParser):
    """Collects what a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        wanted = {"src", "href", "srcset", "action", "data", "poster"}
        self.found += [f"{tag} {name}" for name, _ in attrs if name in wanted]


async def test_the_page_asks_for_nothing_and_hides_texts(
    folder: Path, server: StandInSafeguard
) -> None:
    """No address, no script from a text, and texts only where somebody opens them."""
    evil = "<script>alert(1)</script> <img src=http://h.example/x>"
    row = {"id": "x<b>", "text": evil, "label": "BANNED"}
    (folder / "cases.jsonl").write_text(json.dumps(row) + "\n")
    await run(folder, server.base_url)
    page = (folder / "report.html").read_text()
    outside = Outside()
    outside.feed(page)
    assert outside.found == []
    assert "<script>alert" not in page
    assert "x<b>" not in page
    assert "default-src 'none'" in page
    before, _, after = page.partition("&lt;script&gt;alert(1)")
    assert before.rstrip().endswith("<details><summary>show</summary><pre>")
    assert after
    assert "prefers-color-scheme:dark" in page
    assert "@media print" in page
    # Heads that are repeated on the next sheet are printed from the attribute.
    assert '<th scope="col" data-head="recall"><button>recall</button></th>' in page
    assert "th::before{content:attr(data-head)}" in page


async def test_cases_are_exported_and_read_again(folder: Path, server: StandInSafeguard) -> None:
    """As JSON lines and for promptfoo, with the same figures."""
    files = (folder / "out.jsonl", folder / "out.yaml")
    _, found = await run(folder, server.base_url, exports=files)
    for file in files:
        code, again = await run(folder, server.base_url, cases=str(file))
        assert code == 0
        assert again["runs"][0]["outcome"] == found["runs"][0]["outcome"]
        assert again["runs"][0]["slices"] == found["runs"][0]["slices"]
        assert again["results"]["answers"] == found["results"]["answers"]


async def test_what_stood_around_a_text_is_exported(folder: Path, server: StandInSafeguard) -> None:
    """A case without its context would be judged as another."""
    context = {"author": "a", "facts": {"age": "3"}, "messages": [{"author": "b", "text": "go on"}]}
    row = {"text": "all is well", "label": "FINE", "context": context}
    (folder / "cases.jsonl").write_text(json.dumps(row) + "\n")
    files = (folder / "out.jsonl", folder / "out.yaml")
    await run(folder, server.base_url, exports=files)
    assert json.loads(files[0].read_text())["context"] == context
    (test,) = yaml.safe_load(files[1].read_text())["tests"]
    assert test["metadata"] == {"context": context}


async def test_a_person_is_asked_whether_the_columns_are_meant(
    folder: Path, server: StandInSafeguard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only at a terminal, and nothing is judged where the answer is no."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    with pytest.raises(InvalidSettings, match="nothing was judged"):
        await run(folder, server.base_url)
    assert not server.answers
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert (await run(folder, server.base_url))[0] == 0


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"cases": "nowhere.jsonl"}, "cannot be read: No such file"),
        ({"concurrency": 0}, "--concurrency is 1 or more"),
        ({"reports": (Path("report.txt"),)}, "must end in .json or .html"),
        ({"exports": (Path("out.csv"),)}, "must end in .jsonl or .yaml"),
        ({"reports": (Path("nowhere/report.json"),)}, "--report .* there is no folder nowhere"),
        ({"exports": (Path("nowhere/out.jsonl"),)}, "--export .* there is no folder nowhere"),
        ({"topic": "other"}, "no policy binds the topic other"),
        ({"gates": gates_of({"min_recall": ["XX=0.5"]})}, "XX in a bound"),
        ({"prices": PriceRequest(price_in=1.0)}, "--price-in and --price-out"),
    ],
)
async def test_what_is_wrong_with_a_request(
    folder: Path, server: StandInSafeguard, changes: dict[str, Any], problem: str
) -> None:
    """One sentence, exit 2."""
    with pytest.raises(InvalidSettings, match=problem):
        await run(folder, server.base_url, **changes)


async def test_versions_with_other_labels_cannot_be_compared(
    folder: Path, server: StandInSafeguard
) -> None:
    """Nothing is asked."""
    file = folder / "policies" / "set" / "v2" / "words.md"
    file.write_text(file.read_text().replace("BANNED", "WORSE"))
    with pytest.raises(InvalidSettings, match=r"set@v2 has no label BANNED under words"):
        await run(folder, server.base_url, versions=("v1", "v2"))


def test_what_is_kept_holds_no_text() -> None:
    """A results file may be passed on where the texts may not."""
    assert not {"text", "answer", "rationale", "reasoning"} & set(KeptAnswer._fields)


def test_ctrl_c_ends_what_reads_the_file_or_waits_for_an_answer(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once: the loop is not waited for there, so that its own way would not be heeded."""

    def interrupted(*_read: object) -> None:
        signal.raise_signal(signal.SIGINT)
        pytest.fail("it went on")

    monkeypatch.setattr(evaluation, "survey", interrupted)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(
            evaluate_cases(settings(folder, "http://127.0.0.1:1/v1"), request(folder), as_json=True)
        )
