"""A decision endpoint before the safeguard, in a real worker: from golden cases to an outage."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from consumer.commands.check import check_policies
from consumer.commands.decision.fitting import FitRequest, check_thresholds, fit_thresholds
from consumer.dev.safeguard.server import StandInSafeguard
from consumer.errors import InferenceUnavailable, InvalidSettings
from consumer.kafka.cluster.audits import AUDITS_TOPIC
from consumer.settings.settings import Settings
from tests.journeys.test_filter import causes, harmless, send
from tests.journeys.worker import POLICY, finished, make_policies, settings_for, working
from tests.salt import SALT
from tests.stage import Broker
from tests.waiting import until

QUESTION = 'question: \'The message says "doubtful thing" or "banned thing".\'\n'
FLOOR = 0.4
"""So that a hundred messages say something."""


def make_set(folder: Path, topic: str, cases: int, question: str = QUESTION) -> None:
    """A set whose one policy asks a question, with as many golden cases of either kind."""
    make_policies(folder, f'["{topic}"]')
    version = folder / "set" / "v1"
    version.joinpath("words.md").write_text(POLICY.replace("labels:", f"{question}labels:", 1))
    lines = []
    for at, text in enumerate(harmless(cases, 3)):
        lines.append({"id": f"a{at}", "text": f"{text} {at}", "label": "FINE"})
        lines.append({"id": f"b{at}", "text": f"{text} banned thing {at}", "label": "BANNED"})
    version.joinpath("cases.jsonl").write_text(
        "".join(json.dumps(line | {"policy": "words"}) + "\n" for line in lines)
    )


def named(folder: Path, topic: str) -> None:
    """The topic names the thresholds."""
    (folder / "salt").write_bytes(SALT)
    (folder / "policies" / "set" / "topic.toml").write_text(
        f'topics = ["{topic}"]\nlive = 1\nstart = "earliest"\n[screening.memo]\ntexts_max = 0\n'
        f'[screening.decision]\nfile = "d"\nrecall = 0.9\nsalt_file = "{folder / "salt"}"\n'
        f"floor = {FLOOR}\nnear = {FLOOR}\nrun_length = 100\n"
    )


def asking(broker: Broker, endpoint: str, folder: Path) -> Settings:
    """Settings with a decision endpoint."""
    return settings_for(
        broker,
        endpoint,
        folder / "policies",
        {
            "inference.decision.address": endpoint,
            "inference.decision.model": "words",
            "inference.decision.probe_every_s": "0.1",
            "inference.decision.timeout_s": "10",
        },
    )


async def test_what_is_surely_harmless_never_reaches_the_safeguard(
    embedded_broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A share is audited; in an outage the safeguard judges all, until the endpoint is back."""
    topic = embedded_broker.moderated()
    policies = tmp_path / "policies"
    make_set(policies, topic, 70)
    (policies / "set" / "filters").mkdir()
    file = policies / "set" / "filters" / "d"
    with ExitStack() as stack:
        judging = stack.enter_context(StandInSafeguard.in_thread())
        decider = stack.enter_context(ExitStack())
        asked = decider.enter_context(StandInSafeguard.in_thread())
        settings = asking(embedded_broker, judging.base_url, tmp_path)
        decision = settings.inference.decision.model_copy(update={"address": asked.base_url})
        inference = settings.inference.model_copy(update={"decision": decision})
        settings = settings.model_copy(update={"inference": inference})
        request = FitRequest(topic, 0.9, 0.1, file)
        assert await asyncio.to_thread(fit_thresholds, settings, request, as_json=True) == 0
        said = capsys.readouterr().out
        found = json.loads(said[said.index("{") :])
        assert found["problem"] is None
        assert found["shown"]["missed"] == 0
        assert found["survival"]["flips"] == dict.fromkeys(found["survival"]["flips"], 0)
        again = await asyncio.to_thread(check_thresholds, settings, topic, file, as_json=True)
        assert again == 0
        named(tmp_path, topic)
        assert check_policies(policies) == 0
        embedded_broker.creator.create_topics({AUDITS_TOPIC: 1})
        async with working(settings, 1) as worker:
            standing = worker.filters.standing
            await until(lambda: standing() == {"set decision": None}, "the decision stage")
            assert worker.vitals.ready().details["filters"] == {"set decision": "on"}
            send(embedded_broker, topic, [*harmless(100, 7), "a banned thing", "doubtful thing"])
            await finished(worker, 102)
            seen = causes(embedded_broker, topic)
            assert seen["model, no filter"] == 2
            assert seen["decision, drawn for"] + seen["model, drawn for"] == 100
            assert 40 <= seen["decision, drawn for"] <= 80
            assert judging.requests_total < 100

            decider.close()
            send(embedded_broker, topic, harmless(50, 8))
            await finished(worker, 152)
            assert causes(embedded_broker, topic, 102) == {"model, no filter": 50}
            await until(lambda: standing()["set decision"] is not None, "its outage")
            assert worker.vitals.ready().is_ok, "the worker goes on without"
            stack.enter_context(StandInSafeguard.in_thread(port=asked.port))
            await until(lambda: standing()["set decision"] is None, "it is back")
            send(embedded_broker, topic, harmless(50, 9))
            await finished(worker, 202)
            assert causes(embedded_broker, topic, 152)["decision, drawn for"] > 10


def test_thresholds_that_show_too_little_are_refused_with_the_figures(
    embedded_broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Too few cases, a policy without a question, answers that flip, no endpoint, no such model."""
    topic = embedded_broker.moderated()
    policies = tmp_path / "policies"
    make_set(policies, topic, 10)
    request = FitRequest(topic, 0.9, 0.1, tmp_path / "d")
    with StandInSafeguard.in_thread() as server:
        settings = asking(embedded_broker, server.base_url, tmp_path)
        assert fit_thresholds(settings, request, as_json=False) == 1
        said = capsys.readouterr().out
        assert "48 more golden cases that are not allowed are needed" in said
        assert "words has 10 and needs 48 more" in said
        assert f"export-cases FILE --topic {topic}" in said
        assert "with 10 such cases at most 0.549 can be shown" in said
        assert "A worker refuses it: it has no evidence for recall 0.9" in said
        make_set(policies, topic, 10, question="")
        with pytest.raises(InvalidSettings, match=r"cannot tell them apart.* needs 48 more"):
            fit_thresholds(settings, request, as_json=False)
        make_set(policies, topic, 70, question="")
        with pytest.raises(InvalidSettings, match="this model cannot tell them apart"):
            fit_thresholds(settings, request, as_json=False)
    with pytest.raises(InferenceUnavailable, match="the decision endpoint is not there"):
        fit_thresholds(settings, request, as_json=False)
    without = settings_for(embedded_broker, server.base_url, policies)
    with pytest.raises(InvalidSettings, match=r"set inference\.decision\.address"):
        fit_thresholds(without, request, as_json=False)
