"""The whole worker on real parts alone: Apache Kafka, llama.cpp, and the shipped policies."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from consumer.dev.traffic import chat_messages
from consumer.domain.verdicts.envelope import Envelope
from tests.brokers.kafka import RealKafka
from tests.dataset.ledger import count
from tests.journeys.worker import OUTPUTS, finished, settings_for, working
from tests.records import read_all, write_rows
from tests.servers.llama import LlamaServer
from tests.stage import Broker

ROOT = Path(__file__).parent.parent.parent
TOPIC = "chat.messages"


@pytest.mark.kafka
@pytest.mark.llama
@pytest.mark.timeout(300)
async def test_shipped_policies_on_real_kafka_and_real_llama(
    real_kafka: RealKafka, llama: LlamaServer, tmp_path: Path
) -> None:
    """Three policies a message, real protocol on both sides: each ends once, in key order."""
    broker = Broker("real", real_kafka.bootstrap_servers, real_kafka)
    for topic in (TOPIC, "comments.posted"):
        real_kafka.create_topics(dict.fromkeys([topic, *(topic + end for end in OUTPUTS)], 2))
    traffic = chat_messages(7)
    rows = [(n % 2, key, value) for n, (key, value, _) in zip(range(40), traffic, strict=False)]
    changes = {
        "inference.model": llama.model,
        "inference.calls_max": "4",
        "inference.tokens_max": "1024",
        "inference.timeout_s": "120",
    }
    policies = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", policies)
    # A busy machine must not decide how many are judged: they have the time of the whole test.
    bound = policies / TOPIC / "topic.toml"
    bound.write_text(bound.read_text().replace("deadline_s = 20", "deadline_s = 280"))
    settings = settings_for(broker, llama.base_url, policies, changes)
    async with working(settings, 4) as worker:
        # These policies start a new group at the latest record: write once it has its start.
        write_rows(broker.bootstrap_servers, TOPIC, rows)
        await finished(worker, 40, 240)

    records = read_all(broker.bootstrap_servers, [TOPIC + end for end in OUTPUTS])
    positions = [f"{TOPIC}/{partition}/{offset}" for partition in (0, 1) for offset in range(20)]
    ledger = count(positions, records)
    assert ledger.adds_up, ledger
    judged = [json.loads(r.value or b"") for r in records if r.header("safeguard-cause") == "model"]
    assert len(judged) > 20
    for fields in judged:
        envelope = Envelope.model_validate(fields)
        assert envelope.model == "tiny-gpt-oss"
        assert {found.policy for found in envelope.judgements} == {
            "harassment_hate",
            "scams_spam",
            "self_harm",
        }
