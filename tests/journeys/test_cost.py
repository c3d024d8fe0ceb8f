"""What judging costs: read off real verdicts by the real command, and bounded by a budget."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from consumer.commands.audit.auditor import AuditRequest, examine_topic
from consumer.commands.costs.costs import CostRequest, add_up, show_cost, show_report
from consumer.dev.safeguard.server import StandInSafeguard
from consumer.domain.verdicts.verdict import Tokens
from consumer.errors import InvalidSettings, TopicsMissing
from consumer.telemetry.clock import SystemClock
from consumer.worker.worker import Worker
from tests.journeys.test_cli import flags, safeguard
from tests.journeys.test_pausing import texts
from tests.journeys.worker import finished, make_policies, outputs_of, settings_for, working
from tests.readiness import readiness
from tests.records import write
from tests.stage import Broker
from tests.waiting import until


@pytest.fixture
def endpoint() -> Iterator[str]:
    with StandInSafeguard.in_thread() as server:
        yield server.base_url


def counted(worker: Worker, kind: str) -> float:
    labels = {"policy_version": "set@v1", "kind": kind}
    return worker.telemetry.metrics.registry.get_sample_value("safeguard_tokens_total", labels) or 0


FINE = json.dumps({"text": "good morning"}).encode()
DOUBTFUL = json.dumps({"text": "a doubtful thing"}).encode()


async def test_the_verdicts_say_what_judging_cost(
    broker: Broker, endpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """First envelopes, then records passed through: those carry no tokens, and are told."""
    topic = broker.moderated(partitions=2)
    # Some texts come twice, and each is to cost something.
    make_policies(tmp_path, f'["{topic}"]', more="screening.memo.texts_max = 0")
    settings = settings_for(broker, endpoint, tmp_path)
    async with working(settings, 2) as worker:
        for partition in (0, 1):
            write(broker.bootstrap_servers, topic, texts(20), partition=partition)
        await finished(worker, 40)
        worker.member.intake.refresh_gauges({})
        tokens = {kind: counted(worker, kind) for kind in Tokens._fields}

    capsys.readouterr()
    assert show_cost(settings, CostRequest(topic), as_json=True) == 0
    found = json.loads(capsys.readouterr().out)
    version = found["versions"]["set@v1"]
    assert (version["messages"], version["judgements"], version["unjudged"]) == (40, 40, 0)
    assert version["tokens"] == tokens
    assert tokens["prompt"] > 0
    assert 0 < version["cached_share"] <= 1
    assert 0 < version["cached_share_at_best"] <= 1
    assert version["model_s"] > 0

    make_policies(tmp_path, f'["{topic}"]', more='outputs.payload = "passthrough"')
    async with working(settings, 2) as worker:
        write(broker.bootstrap_servers, topic, [FINE, FINE, DOUBTFUL])
        await finished(worker, 3)

    where = flags(
        kafka__bootstrap_servers=broker.bootstrap_servers,
        kafka__group=settings.kafka.group,
        policies__folder=str(tmp_path),
    )
    prices = ["--price-in", "0.075", "--price-out", "0.30"]
    plain = safeguard("policy", "cost", "--topic", topic, *prices, *where)
    assert plain.returncode == 0, plain.stderr
    lines = plain.stdout.splitlines()
    # Of the last three the doubtful one alone has an envelope: it is for reviewers.
    assert lines[1] == "set@v1  messages 41, unjudged 0"
    assert any(line.split()[:3] == ["a", "thousand", "messages"] for line in lines)
    assert lines[-1].startswith("passed over: 2 verdicts")
    assert "\x1b" not in plain.stdout
    slip = safeguard("policy", "cost", "--topic", topic, "--price-in", "1", *where)
    assert slip.returncode == 2
    assert "--price-in and --price-out" in slip.stderr


@pytest.mark.kafka
async def test_a_period_is_read_and_nothing_else(
    real_broker: Broker, endpoint: str, tmp_path: Path
) -> None:
    """From a time on, up to a time; on the brokers, so that the rest is not even sent."""
    topic = real_broker.moderated(partitions=2)
    make_policies(tmp_path, f'["{topic}"]')
    settings = settings_for(real_broker, endpoint, tmp_path)
    async with working(settings, 2) as worker:
        write(real_broker.bootstrap_servers, topic, texts(3))
        await finished(worker, 3)
    now_ms = SystemClock().wall_ms()

    def judged(since_ms: int | None = None, until_ms: int | None = None) -> int:
        report = add_up(settings, CostRequest(topic, since_ms, until_ms), Console(quiet=True))
        return sum(version.messages for version in report.sums.versions.values())

    hour_ms = 3_600_000
    assert judged(since_ms=now_ms - hour_ms, until_ms=now_ms + hour_ms) == 3
    assert judged(since_ms=now_ms + hour_ms) == 0
    assert judged(until_ms=now_ms - hour_ms) == 0


def test_a_terminal_gets_a_table(
    embedded_broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a row for each version, also where there is nothing yet."""
    topic = embedded_broker.moderated()
    make_policies(tmp_path, f'["{topic}"]')
    settings = settings_for(embedded_broker, "http://127.0.0.1:9/v1", tmp_path)
    report = add_up(settings, CostRequest(topic), Console(quiet=True))
    show_report(report, Console(force_terminal=True, width=200))
    assert "no verdict" in capsys.readouterr().out


def test_a_topic_that_no_policy_binds_or_without_outputs_has_no_cost(
    embedded_broker: Broker, tmp_path: Path
) -> None:
    make_policies(tmp_path, '["never made"]'.replace(" ", "-"))
    settings = settings_for(embedded_broker, "http://127.0.0.1:9/v1", tmp_path)
    with pytest.raises(InvalidSettings, match="no policy binds"):
        show_cost(settings, CostRequest("another"), as_json=True)
    with pytest.raises(TopicsMissing, match="does not exist"):
        show_cost(settings, CostRequest("never-made"), as_json=True)


async def test_a_topic_over_its_budget_waits_and_a_larger_one_lets_it_go_on(
    broker: Broker, endpoint: str, tmp_path: Path
) -> None:
    """Health names it, a stop does not wait for it, and nothing is lost or judged twice."""
    topic = broker.moderated(partitions=2)
    terms = "[budget]\ncalls_per_hour = {}\n"
    make_policies(tmp_path, f'["{topic}"]', more=terms.format(6))
    settings = settings_for(
        broker, endpoint, tmp_path, {"policies.watch": "true", "policies.watch_every_s": "0.2"}
    )

    def spent_by(worker: Worker) -> object:
        return readiness(f"http://127.0.0.1:{worker.vitals.port}")["budgets_spent"]

    async def spent(worker: Worker, wanted: list[str]) -> None:
        await until(lambda: spent_by(worker) == wanted, f"budgets {wanted}")

    async with working(settings, 2) as worker:
        for partition in (0, 1):
            write(broker.bootstrap_servers, topic, texts(10), partition=partition)
        await spent(worker, [topic])
        await until(lambda: worker.member.intake.ledger.verdicts == 6, worker)
    assert worker.member.intake.ledger.verdicts == 6

    async with working(settings, 2) as worker:
        # It counts anew: what an ended process has spent is not known to it.
        await until(lambda: worker.member.intake.ledger.verdicts == 6, worker)
        await spent(worker, [topic])
        make_policies(tmp_path, f'["{topic}"]', more=terms.format(1_000))
        await finished(worker, 14)
        await spent(worker, [])

    found = outputs_of(broker, topic)
    assert len({record.header("safeguard-position") for record in found}) == len(found) == 20
    assert {record.topic for record in found} == {f"{topic}.block"}
    report = examine_topic(settings, AuditRequest(topic), Console(quiet=True))
    assert report.is_clean
