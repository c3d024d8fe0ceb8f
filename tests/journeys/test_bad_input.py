"""Whatever bytes come in, every record ends once: a verdict, or a dead letter with a reason."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumer.dev.broker import EmbeddedBroker
from consumer.dev.safeguard.server import StandInSafeguard
from consumer.domain.messages.decoding import DeadLetterReason
from tests.journeys.worker import finished, make_policies, outputs_of, settings_for, working
from tests.records import write, write_rows
from tests.stage import Broker, embedded_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["text", "id", "x"]), inner)
    ),
    max_leaves=6,
)
VALUES = (
    st.none()
    | st.binary(max_size=60)
    | JSON.map(lambda found: json.dumps(found).encode())
    | st.text(st.characters(exclude_categories=()), max_size=40).map(
        lambda text: json.dumps({"text": text, "id": text}).encode()
    )
)
KEYS = st.none() | st.binary(max_size=5) | st.just(b"k")
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12) | st.sampled_from(
    ["safeguard-position", "Safeguard-Group", "ce_id", "traceparent", "content-type"]
)
HEADERS = st.lists(st.tuples(NAMES, st.none() | st.binary(max_size=20)), max_size=4)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(st.tuples(st.just(0), KEYS, VALUES), min_size=1, max_size=30), headers=HEADERS)
def test_any_bytes_end_once(
    tmp_path: Path,
    rows: list[tuple[int, bytes | None, bytes | None]],
    headers: list[tuple[str, bytes | None]],
) -> None:
    """Arbitrary values, keys and headers through the whole worker: none lost, none twice."""

    async def work() -> None:
        with EmbeddedBroker({}) as embedded:
            broker = embedded_of(embedded)
            topic = broker.moderated()
            policies = make_policies(
                tmp_path, f'["{topic}"]', more='[message]\ntext = "/text"\nid = "/id"'
            )
            write_rows(broker.bootstrap_servers, topic, rows, headers=headers)
            async with (
                StandInSafeguard() as safeguard,
                working(settings_for(broker, safeguard.base_url, policies), 1) as worker,
            ):
                await finished(worker, len(rows))
            found = outputs_of(broker, topic)
        positions = sorted(record.header("safeguard-position") or "" for record in found)
        assert positions == sorted(f"{topic}/0/{offset}" for offset in range(len(rows)))
        for record in found:
            offset = int((record.header("safeguard-position") or "").split("/")[2])
            assert record.key == rows[offset][1]
            if record.topic.endswith(".dead-letter"):
                assert record.header("safeguard-dead-letter-reason") in set(DeadLetterReason)
                assert record.value == rows[offset][2]

    asyncio.run(work())


async def test_large_records_end_once(real_broker: Broker, tmp_path: Path) -> None:
    """10 MB of text is too long, padding hides nothing, a huge record's dead letter fits."""
    broker = real_broker
    ten_mb = 10_000_000
    topic = broker.moderated(large=True)
    policies = make_policies(tmp_path, f'["{topic}"]')
    padded = "all is fine " * 5_000 + "a banned thing"
    values = [
        json.dumps({"text": "x" * ten_mb}).encode(),
        json.dumps({"text": padded}).encode(),
        b"{" + b"y" * ten_mb,
        json.dumps({"text": "a doubtful thing " + "z" * 900}).encode(),
    ]
    write(broker.bootstrap_servers, topic, values, key=b"k", message_bytes_max=11_000_000)
    async with StandInSafeguard() as safeguard:
        settings = settings_for(
            broker,
            safeguard.base_url,
            policies,
            {"kafka.client.fetch.message.max.bytes": "11000000"},
        )
        async with working(settings, 1) as worker:
            await finished(worker, 4)

    found = {
        (record.header("safeguard-position") or "").split("/")[2]: record
        for record in outputs_of(broker, topic)
    }
    assert len(found) == 4
    assert found["0"].topic == f"{topic}.flag"
    long = json.loads(found["0"].value or b"")
    assert (long["cause"], long["unjudged_reason"]) == ("unjudged", "too_long")
    assert long["message"]["text_cut"] is True
    assert found["1"].topic == f"{topic}.block"
    letter = found["2"]
    assert letter.topic == f"{topic}.dead-letter"
    assert letter.value is None
    assert letter.header("safeguard-value-bytes") == str(ten_mb + 1)
    assert found["3"].topic == f"{topic}.flag"
