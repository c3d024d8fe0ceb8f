"""
`classify` says what a message would get and why, and all who say so say the same.

The worker, `rejudge`, `evaluate` and `classify` are run against one server that answers as it is
told to, and what they make of its answers is compared.
"""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from rich.console import Console

from consumer.commands.classify import Wait, classify_text
from consumer.commands.evaluate.evaluator import EvaluationRequest, evaluate, evaluate_topic
from consumer.dev.safeguard.behaviour import Behaviour
from consumer.dev.safeguard.server import Reply, StandInSafeguard
from consumer.domain.binding import Binding
from consumer.domain.verdicts.judged import Heard
from consumer.domain.verdicts.verdict import Cause, Screened, Verdict
from consumer.errors import InferenceTimeout
from consumer.interfaces import Partition
from consumer.pipeline.assignment.assignment import Assignment, Flight
from consumer.pipeline.dead_letters import DeadLetterEncoder
from consumer.pipeline.process import Processor
from consumer.pipeline.publisher import Publisher
from consumer.pipeline.rejudging import Rejudger
from consumer.registry.load import binding_of, load_catalogue
from consumer.screening.prefilter.artefact import write_artefact
from consumer.screening.screener import Screener
from consumer.settings.load import load_settings
from consumer.settings.settings import Settings
from consumer.telemetry.clock import SystemClock
from consumer.telemetry.telemetry import Telemetry
from consumer.worker.wiring import build_classifier, build_fleet
from tests.builders import a_completion, a_position, a_record_of
from tests.journeys.worker import make_policies
from tests.salt import SALT
from tests.unit.screening.prefilter.filters import by_hand

REFUSAL = "I'm sorry, but I can't help with that."
TEXT = "any text"


class Scripted:
    """A server that says one thing to every message, and judges the probes as it should."""

    def __init__(self, server: StandInSafeguard, said: str | None, **message: Any) -> None:
        self._said, self._message = said, message
        server.reply_with(self._reply)

    def _reply(self, asked: dict[str, Any]) -> Reply:
        if "FINE" not in asked["messages"][0]["content"]:
            is_bad = "kill you" in asked["messages"][1]["content"]
            return '{"label":"THREAT"}' if is_bad else '{"label":"SAFE"}'
        return web.Response(body=a_completion(self._said, **self._message))


@pytest.fixture
async def server() -> AsyncIterator[StandInSafeguard]:
    async with StandInSafeguard() as started:
        yield started


def settings_of(folder: Path, server: StandInSafeguard, **more: str) -> Settings:
    flags = {"inference.endpoint": server.base_url, "policies.folder": str(folder)}
    flags |= {"inference.wait_max_s": "0.1"} | {f"inference.{name}": more[name] for name in more}
    return load_settings(None, flags, environment={})


def write_cases(folder: Path, *labels: str) -> None:
    cases = [
        {"id": label, "text": f"{TEXT} {label}", "lang": "en", "policy": "words", "label": label}
        for label in labels
    ]
    (folder / "set" / "v1" / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))


async def worker_and_rejudge(settings: Settings, binding: Binding) -> tuple[Any, str]:
    """The worker's verdict, and what a superseding one would be."""
    telemetry = Telemetry()
    fleet = build_fleet(settings.inference, telemetry)
    try:
        classifier = build_classifier(settings.inference, fleet, telemetry)
        publisher = Publisher("g", DeadLetterEncoder("g", "w"))
        record = a_record_of({"text": TEXT})._replace(position=a_position(topic="in"))
        flight = Flight(record, Assignment(Partition("in", 1), 1), binding, telemetry.clock.now_s())
        screener = Screener(telemetry.clock)
        processor = Processor(classifier, publisher, telemetry.clock, "g", screener)
        verdict = await processor.judge(flight)
        assert isinstance(verdict, Verdict)
        found = await Rejudger(processor, telemetry.clock).judge(record, binding)
        again = found.outcome.value if isinstance(found, Verdict) else f"unjudged {found}"
        return verdict, again
    finally:
        await fleet.close()


@pytest.mark.parametrize("on_unjudged", ["allow", "flag", "block"])
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("FINE", None),
        ('{"label":"DOUBT"}', None),
        ("BANNED (R2)", None),
        (REFUSAL, "refused"),
        ("This message threatens to kill: FINE", "model_fault"),
        ('{"label":"fine"}', "model_fault"),
        (None, "model_fault"),
    ],
)
async def test_all_who_say_what_a_message_gets_say_the_same(
    said: str | None,
    reason: str | None,
    on_unjudged: str,
    tmp_path: Path,
    server: StandInSafeguard,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One rule: worker, rejudge, classify and evaluate agree, and a refusal is never an allow."""
    folder = make_policies(tmp_path, '["in"]', more=f'on_unjudged = "{on_unjudged}"')
    # No answer is right for both, so that `evaluate` lists what became of one of them.
    write_cases(folder, "FINE", "BANNED")
    settings = settings_of(folder, server)
    Scripted(server, said)
    binding = binding_of(load_catalogue(folder), "in")

    verdict, superseding = await worker_and_rejudge(settings, binding)
    report = await evaluate(settings, EvaluationRequest("in", suite="cases"))
    await classify_text(settings, TEXT, "in", as_json=True)
    told = orjson.loads(capsys.readouterr().out)

    outcome = verdict.outcome.value
    assert verdict.unjudged_reason == told["unjudged_reason"] == reason
    assert (told["outcome"], told["cause"]) == (outcome, verdict.cause)
    assert superseding == (outcome if reason is None else f"unjudged {reason}")
    assert report.cases is not None
    assert report.cases.mistakes
    assert {mistake.outcome.value for mistake in report.cases.mistakes} == {outcome}
    if reason == "refused":
        assert outcome == ("block" if on_unjudged == "block" else "flag")
    elif reason is not None:
        assert outcome == on_unjudged


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_policies(tmp_path, '["in"]', more='on_unjudged = "allow"')


async def test_the_fault_and_the_label_that_was_given_are_shown(
    folder: Path, server: StandInSafeguard, capsys: pytest.CaptureFixture[str]
) -> None:
    """By policy, for a person; every answer as it came, for a program."""
    settings = settings_of(folder, server)
    Scripted(server, '{"label":"VIOLATION"}')
    await classify_text(settings, TEXT, "in", as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ALLOW  under set@v1")
    assert '  words: no judgement, unknown_label, it gave the label "VIOLATION"' in lines
    assert "  not judged: model_fault; on_unjudged = allow" in lines

    await classify_text(settings, TEXT, "in", as_json=True)
    answers = orjson.loads(capsys.readouterr().out)["answers"]
    assert len(answers) == settings.inference.attempts_max
    assert answers[-1] == {
        "policy": "words",
        "fault": "unknown_label",
        "label": "VIOLATION",
        "answer": '{"label":"VIOLATION"}',
    }
    Scripted(server, "BANNED")
    await classify_text(settings, TEXT, "in", as_json=True)
    (answer,) = orjson.loads(capsys.readouterr().out)["answers"]
    assert answer == {"policy": "words", "fault": None, "label": "BANNED", "answer": "BANNED"}


async def test_a_refusal_says_why_it_is_flagged(
    folder: Path, server: StandInSafeguard, capsys: pytest.CaptureFixture[str]
) -> None:
    """The topic lets the unjudged pass and a refusal does not; what was refused is shown."""
    Scripted(server, None, refusal="I can't help.")
    await classify_text(settings_of(folder, server), TEXT, "in", as_json=False)
    said = capsys.readouterr().out
    assert said.startswith("FLAG  under set@v1")
    assert "  words: no judgement, refusal" in said
    assert "not judged: refused; on_unjudged = allow, and a refusal is flagged at least" in said


async def test_what_is_waited_for_is_said(
    folder: Path, server: StandInSafeguard, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whom it waits for, for how long at most, and each fault when it comes; all on stderr."""
    Scripted(server, '{"label":"FINE"')
    await classify_text(settings_of(folder, server), TEXT, "in", as_json=False)
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith(f"waiting for {server.base_url} (")
    assert said[0].endswith("): finding out what it can do")
    assert "judging under 1 policy, for 30 s at most" in said[1]
    assert len(said) == 6
    assert all(line.endswith("s, words: unreadable") for line in said[2:])


async def test_an_endless_answer_in_the_probe_is_explained(
    folder: Path, server: StandInSafeguard
) -> None:
    """Not only that there was no answer, but to what, of whom, and which settings to look at."""

    server.behave(Behaviour(latency_s=60))
    with pytest.raises(InferenceTimeout) as caught:
        await classify_text(settings_of(folder, server, timeout_s="0.1"), TEXT, "in", as_json=False)
    assert "asked to judge a known text" in str(caught.value)
    assert "inference.timeout_s" in str(caught.value)


def test_a_terminal_is_not_told_what_to_do() -> None:
    """What a model says is shown with its control characters spelt out."""
    sheet = io.StringIO()
    with Wait(Console(file=sheet), "somebody", SystemClock()) as wait:
        wait.heard(Heard("words", "unknown_label", "", '{"label":"\\u001b[2J\\u202eX"}'))
        wait.heard(Heard("words", answer="FINE"))
    assert "\x1b" not in sheet.getvalue()
    assert "\u202e" not in sheet.getvalue()
    assert len(sheet.getvalue().splitlines()) == 1


async def test_evaluate_shows_fault_label_and_raw_answer(
    folder: Path, server: StandInSafeguard, capsys: pytest.CaptureFixture[str]
) -> None:
    """For a case that was not judged: the reason, the fault and the label; as JSON all of it."""
    write_cases(folder, "BANNED")
    settings = settings_of(folder, server)
    Scripted(server, '{"label":"VIOLATION"}')
    request = EvaluationRequest("in", suite="cases")
    await evaluate_topic(settings, request, as_json=False)
    shown = 'unjudged (model_fault: unknown_label, it gave the label "VIOLATION")'
    assert f"LET THROUGH: BANNED words: BANNED due, {shown} given" in capsys.readouterr().out
    await evaluate_topic(settings, request, as_json=True)
    (mistake,) = orjson.loads(capsys.readouterr().out)["cases"]["mistakes"]
    assert (mistake["answer"], mistake["said"]) == (shown, '{"label":"VIOLATION"}')
    assert (mistake["outcome"], mistake["is_let_through"]) == ("allow", True)


@pytest.mark.parametrize("text", ["", " \n", "\u200b\u2060"])
@pytest.mark.parametrize("fate", ["dead-letter", "allow", "flag", "pass-over"])
async def test_a_text_that_nobody_can_see_gets_what_its_topic_says(
    text: str,
    fate: str,
    tmp_path: Path,
    server: StandInSafeguard,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As in the worker, and no server is asked."""
    make_policies(tmp_path, '["chat"]', more=f'when_empty = "{fate}"')
    settings = settings_of(tmp_path, server)
    assert await classify_text(settings, text, "chat", as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == fate
    assert server.requests_total == 0


async def test_a_version_that_is_not_live(
    tmp_path: Path, server: StandInSafeguard, capsys: pytest.CaptureFixture[str]
) -> None:
    """It judges, and is named as what judged."""
    make_policies(tmp_path, '["chat"]', live=1)
    make_policies(tmp_path, '["chat"]', live=2)
    settings = settings_of(tmp_path, server)
    await classify_text(settings, "banned thing", "chat", version="v1", as_json=True)
    assert json.loads(capsys.readouterr().out)["policy_version"] == "set@v1"


async def test_what_a_list_settles_is_told_with_file_and_line_and_asks_nobody(
    tmp_path: Path, server: StandInSafeguard, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the worker and a later run would settle it."""
    more = '[[screening.lists]]\nfile = "raid.txt"\noutcome = "block"\n'
    folder = make_policies(tmp_path, '["in"]', more=more)
    (folder / "set" / "lists").mkdir()
    (folder / "set" / "lists" / "raid.txt").write_text(f"# now\n{TEXT.upper()}\n")
    settings = settings_of(folder, server)

    await classify_text(settings, TEXT, "in", as_json=True)
    told = orjson.loads(capsys.readouterr().out)
    await classify_text(settings, TEXT, "in", as_json=False)
    shown = capsys.readouterr().out

    binding = binding_of(load_catalogue(folder), "in")
    digest = binding.screening.lists[0].digest
    assert (told["outcome"], told["cause"]) == ("block", "list")
    assert told["screening"] == {"stage": "list", "artefact": digest}
    assert told["list"] == {"file": "raid.txt", "line": 2, "entry": TEXT.upper()}
    assert shown.startswith("BLOCK  by a list of set, and no model is asked")
    assert f"lists/raid.txt:2: {TEXT.upper()}" in shown
    verdict, superseding = await worker_and_rejudge(settings, binding)
    assert (verdict.outcome.value, verdict.cause, superseding) == ("block", Cause.LIST, "block")
    assert verdict.screened == Screened(Cause.LIST, None, digest)


async def test_what_the_filter_makes_of_it_stands_beside_what_the_model_says(
    tmp_path: Path, server: StandInSafeguard, capsys: pytest.CaptureFixture[str]
) -> None:
    """The model is asked all the same: whether the filter is on, its notes on the broker say."""
    folder = make_policies(tmp_path, '["in"]')
    digest = binding_of(load_catalogue(folder), "in").live.digest
    (folder / "set" / "filters").mkdir()
    write_artefact(folder / "set" / "filters" / "f", by_hand(version_digest=digest))
    (tmp_path / "salt").write_bytes(SALT)
    with (folder / "set" / "topic.toml").open("a") as file:
        file.write(
            f'[screening.prefilter]\nfile = "f"\nrecall = 0.95\nsalt_file = "{tmp_path}/salt"\n'
        )
    settings = settings_of(folder, server)

    earlier = {}
    for text in ("we meet near the garden", "a vile man", "xyzzy plugh quux"):
        await classify_text(settings, text, "in", as_json=True)
        told = orjson.loads(capsys.readouterr().out)
        assert told["cause"] == "model"
        (earlier[text],) = told["earlier"]
    await classify_text(settings, "we meet near the garden", "in", as_json=False)
    shown = capsys.readouterr().out

    assert [each["settles"] for each in earlier.values()] == [True, False, False]
    assert [each["why"] for each in earlier.values()] == [
        None,
        "for its score",
        "for its unfamiliar words",
    ]
    assert {each["stage"] for each in earlier.values()} == {"prefilter"}
    assert "the prefilter would allow it without the model, but for audits" in shown
