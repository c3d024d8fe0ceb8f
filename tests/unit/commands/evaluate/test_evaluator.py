"""The suites run through the real classifier against whatever endpoint is configured."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from rich.console import Console

from consumer.commands.evaluate.evaluator import (
    EvaluationRequest,
    Suite,
    evaluate,
    evaluate_topic,
    show_report,
)
from consumer.dev.safeguard.behaviour import Behaviour
from consumer.dev.safeguard.faults.faults import FaultName
from consumer.dev.safeguard.server import StandInSafeguard
from consumer.errors import EndpointRefused, InferenceUnavailable, InvalidSettings
from consumer.settings.load import load_settings
from consumer.settings.settings import Settings
from tests.journeys.worker import make_policies

CASES = [
    {"id": "c1", "text": "all is well", "lang": "en", "policy": "words", "label": "FINE"},
    {"id": "c2", "text": "a doubtful thing", "lang": "en", "policy": "words", "label": "DOUBT"},
    {"id": "c3", "text": "a banned thing", "lang": "en", "policy": "words", "label": "BANNED"},
]


@pytest.fixture
async def server() -> AsyncIterator[StandInSafeguard]:
    async with StandInSafeguard(record=True) as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    policies = make_policies(tmp_path, '["in"]')
    cases = "\n".join(json.dumps(case) for case in CASES)
    (policies / "set" / "v1" / "cases.jsonl").write_text(cases)
    return policies


def settings(folder: Path, endpoint: str) -> Settings:
    return load_settings(
        None,
        {"inference.endpoint": endpoint, "policies.folder": str(folder)},
        environment={},
    )


async def test_cases_are_scored_through_the_real_path(
    folder: Path, server: StandInSafeguard
) -> None:
    """Every case is asked once under its policy, and the report says who answered."""
    request = EvaluationRequest("in", "v1", "cases")
    report = await evaluate(settings(folder, server.base_url), request)
    assert report.cases is not None
    assert report.attacks is None
    assert (report.cases.judged, report.cases.mistakes) == (3, ())
    assert report.is_clean
    assert report.is_by_stand_in
    asked = [answer.text for answer in server.answers]
    assert [asked.count(case["text"]) for case in CASES] == [1, 1, 1]


async def test_the_stand_in_falls_for_what_word_lists_fall_for(
    folder: Path, server: StandInSafeguard
) -> None:
    """Instructions and forged tokens cannot move it, encodings can: exit 1 and each is named."""
    report = await evaluate(
        settings(folder, server.base_url), EvaluationRequest("in", suite="attacks")
    )
    assert report.attacks is not None
    broken = {score.family for score in report.attacks if score.broken}
    assert {"leet", "encoding"} <= broken
    assert not broken & {"control tokens", "look-alike tokens", "instruction", "padding"}
    assert not report.is_clean


@pytest.mark.parametrize(("suite", "code"), [("cases", 0), ("attacks", 1), ("all", 1)])
async def test_the_exit_code_says_whether_anything_broke(
    suite: Suite,
    code: int,
    folder: Path,
    server: StandInSafeguard,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """0 where nothing did, 1 where something did; plain lines and no escape codes in a pipe."""
    request = EvaluationRequest("in", suite=suite)
    found = await evaluate_topic(settings(folder, server.base_url), request, as_json=False)
    said = capsys.readouterr()
    assert found == code
    assert "stand-in-safeguard" in said.out
    assert "STAND-IN" in said.out
    assert "\x1b" not in said.out + said.err


async def test_the_report_as_json(
    folder: Path, server: StandInSafeguard, capsys: pytest.CaptureFixture[str]
) -> None:
    """One object, with the model that answered."""
    request = EvaluationRequest("in", suite="cases")
    await evaluate_topic(settings(folder, server.base_url), request, as_json=True)
    found = orjson.loads(capsys.readouterr().out)
    assert found["served"] == ["stand-in-safeguard"]
    assert found["policy_version"] == "set@v1"
    assert found["is_clean"] is True


async def test_a_person_at_a_terminal_sees_the_same_lines(
    folder: Path, server: StandInSafeguard
) -> None:
    """In colour, none of them cut or wrapped."""
    report = await evaluate(settings(folder, server.base_url), EvaluationRequest("in"))
    shown = Console(record=True, force_terminal=True, width=60, file=io.StringIO())
    show_report(report, shown)
    assert shown.export_text().splitlines() == list(report.lines())


async def test_a_limit_is_spread_over_the_families(folder: Path, server: StandInSafeguard) -> None:
    """With few texts most families still have one."""
    request = EvaluationRequest("in", suite="attacks", limit=14)
    report = await evaluate(settings(folder, server.base_url), request)
    assert report.attacks is not None
    assert sum(score.held + score.broken for score in report.attacks) == 14
    assert len(report.attacks) >= 9


async def test_no_more_texts_at_one_time_than_asked_for(
    folder: Path, server: StandInSafeguard
) -> None:
    """The concurrency is used, and kept to."""
    server.behave(Behaviour(latency_s=0.01))
    request = EvaluationRequest("in", suite="attacks", limit=20, concurrency=3)
    await evaluate(settings(folder, server.base_url), request)
    assert server.in_flight_max == 3


async def test_what_the_model_misses_unattacked_is_not_attacked(
    folder: Path, server: StandInSafeguard
) -> None:
    """A policy whose harmful texts are all allowed has nothing to prove, and that is said."""
    fine = '{"label":"FINE","rules":[],"confidence":"high","rationale":""}'
    probe = '{"label":"SAFE","rules":[],"confidence":"high","rationale":""}'
    server.reply_with(lambda asked: fine if "FINE" in str(asked) else probe)
    report = await evaluate(
        settings(folder, server.base_url), EvaluationRequest("in", suite="attacks")
    )
    assert report.without_base == ("words",)
    assert not report.is_clean


async def test_an_endpoint_that_answers_nonsense_leaves_all_unjudged(
    folder: Path, server: StandInSafeguard
) -> None:
    """Nothing is allowed by a fault, and nothing is proven either."""
    server.behave(Behaviour(faults={FaultName.TWO_LABELS: 1}))
    report = await evaluate(
        settings(folder, server.base_url), EvaluationRequest("in", suite="cases")
    )
    assert report.cases is not None
    assert report.cases.unjudged == len(CASES)
    assert report.cases.let_through == 0
    assert not report.is_clean


async def test_what_is_wrong_with_the_request_is_said(
    folder: Path, server: StandInSafeguard
) -> None:
    """An unknown topic or version, an odd number, a refused key and no server at all."""
    there = settings(folder, server.base_url)
    for request, message in (
        (EvaluationRequest("other"), "no policy binds the topic other"),
        (EvaluationRequest("in", "v9"), "set has v1"),
        (EvaluationRequest("in", concurrency=0), "--concurrency"),
    ):
        with pytest.raises(InvalidSettings, match=message):
            await evaluate(there, request)
    server.behave(Behaviour(faults={FaultName.HTTP_401: 1}))
    with pytest.raises(EndpointRefused):
        await evaluate(there, EvaluationRequest("in"))
    with pytest.raises(InferenceUnavailable):
        await evaluate(settings(folder, "http://127.0.0.1:9/v1"), EvaluationRequest("in"))
