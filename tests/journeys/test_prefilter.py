"""A filter is made of a topic's own verdicts by the real commands, and refused where wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from consumer.commands.prefilter.explain import explain_text
from consumer.commands.prefilter.report import ReportRequest, report_filter
from consumer.commands.prefilter.training import TrainRequest, train_filter
from consumer.dev.safeguard.server import StandInSafeguard
from consumer.errors import InvalidSettings, TopicsMissing
from consumer.screening.prefilter.artefact import check_use, read_artefact
from tests.journeys.worker import finished, make_policies, settings_for, working
from tests.records import write
from tests.stage import Broker

# A sentence is read more easily than the list of its words.
WORDS = "we meet today around noon near the old house and talk about our garden again".split()  # noqa: SIM905
MESSAGES = 600
"""A fifth of them positive: enough to show a recall of 0.9, and far too few for 0.99."""


@pytest.fixture
def endpoint() -> Iterator[str]:
    with StandInSafeguard.in_thread() as server:
        yield server.base_url


def messages() -> list[bytes]:
    """Every fifth says the banned thing."""
    dice = Random(5)
    return [
        json.dumps(
            {
                "text": " ".join(dice.choices(WORDS, k=7))
                + (" banned thing" if number % 5 == 0 else ""),
            }
        ).encode()
        for number in range(MESSAGES)
    ]


async def test_a_filter_is_made_of_verdicts_reported_and_explained(
    embedded_broker: Broker, endpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The texts of what was allowed come from the input; the filter is for this version alone."""
    topic = embedded_broker.moderated(partitions=2)
    make_policies(tmp_path, f'["{topic}"]')
    settings = settings_for(embedded_broker, endpoint, tmp_path)
    with pytest.raises(InvalidSettings, match="too little to learn from: 0 messages"):
        train_filter(settings, TrainRequest(topic, 0.9), as_json=True)
    async with working(settings, 2) as worker:
        made = messages()
        for number in range(0, MESSAGES, 10):
            write(
                embedded_broker.bootstrap_servers,
                topic,
                made[number : number + 10],
                partition=number // 10 % 2,
                timestamp_ms=1_790_000_000_000 + 1_000 * number,
            )
        await finished(worker, MESSAGES)

    file = tmp_path / "words.prefilter"
    capsys.readouterr()
    assert train_filter(settings, TrainRequest(topic, 0.9, file), as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["has_evidence"]
    assert told["learned"]["positives"] + told["certified"]["positives"] == MESSAGES // 5
    assert told["shown"]["missed"] == 0
    assert told["shown"]["settled"] > 0.7

    artefact = read_artefact(file)
    head = artefact.head
    assert (head.version, head.topic) == ("set@v1", topic)
    check_use(artefact, head.version_digest, "stand-in-safeguard", head.template)
    with pytest.raises(InvalidSettings, match="model"):
        check_use(artefact, head.version_digest, "another", head.template)

    page = tmp_path / "page.html"
    assert report_filter(settings, ReportRequest(file, page), as_json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["all"]["messages"] == sum(told["certified"].values())
    assert found["all"]["recall"][0] == 1.0
    assert found["languages"][0]["name"] == "-"
    assert "<svg" in page.read_text()
    assert "http" not in page.read_text().replace("http-equiv", "")

    assert explain_text(file, "we meet near the banned thing", as_json=True) == 0
    explained = json.loads(capsys.readouterr().out)
    assert not explained["settled"]
    assert explained["asked_for"] == "score"
    assert "banned" in " ".join(part["words"] for part in explained["parts"][:4])
    assert explain_text(file, "we meet at noon", as_json=False) == 0
    assert "settled: allowed without the model" in capsys.readouterr().out

    high = tmp_path / "high.prefilter"
    assert train_filter(settings, TrainRequest(topic, 0.99, high), as_json=False) == 1
    said = capsys.readouterr().out
    assert "Without evidence for its recall a worker refuses this filter." in said
    assert "more positives are needed to certify: about" in said
    with pytest.raises(InvalidSettings, match=r"has no evidence for recall 0\.99"):
        check_use(read_artefact(high), head.version_digest, head.model, head.template)


def test_a_topic_without_outputs_or_policy_has_nothing_to_learn_from(
    embedded_broker: Broker, tmp_path: Path
) -> None:
    make_policies(tmp_path, '["never-made"]')
    settings = settings_for(embedded_broker, "http://127.0.0.1:9/v1", tmp_path)
    with pytest.raises(InvalidSettings, match="no policy binds"):
        train_filter(settings, TrainRequest("another", 0.9), as_json=True)
    with pytest.raises(TopicsMissing, match="nothing to learn from"):
        train_filter(settings, TrainRequest("never-made", 0.9), as_json=True)
    with pytest.raises(InvalidSettings, match=r"--recall 1: give 0\.5 to 0\.999"):
        train_filter(settings, TrainRequest("never-made", 1.0), as_json=True)
    with pytest.raises(InvalidSettings, match="no version set@v9"):
        train_filter(settings, TrainRequest("never-made", 0.9, version="set@v9"), as_json=True)
