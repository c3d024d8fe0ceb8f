"""
`python -m tests.dataset.moderate FILE.jsonl`: a data set through real Kafka and llama.cpp.

Each line of the file is a JSON object with a `prompt`; it becomes a message on `moderation.2022`,
keyed by its row modulo 97. The real worker judges them under `tests/policies`, the outputs are read
back, and `build/dataset.json` says what became of them. The model is tiny and random: its verdicts
mean nothing, the protocol is real.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from confluent_kafka import Producer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.brokers.kafka import RealKafka
from tests.dataset.ledger import Ledger, count
from tests.records import ends_of, read_all
from tests.servers.llama import LlamaServer

ROOT = Path(__file__).parent.parent.parent
TOPIC = "moderation.2022"
OUTPUTS = tuple(f"{TOPIC}.{end}" for end in ("allow", "flag", "block", "dead-letter"))
PARTITIONS = 4
SLOTS = 4
KEYS = 97


def main() -> int:
    """Returns 0 where every message ended once and in order, else 1."""
    arguments = _arguments()
    rows = list(_rows(arguments.data, arguments.limit))
    console = Console()
    console.print(f"{len(rows)} messages from {arguments.data.name}")
    with ExitStack() as stage:
        folder = Path(stage.enter_context(tempfile.TemporaryDirectory(prefix="dataset-")))
        console.print("starting Apache Kafka and the llama.cpp server …")
        kafka = stage.enter_context(RealKafka(folder / "kafka"))
        llama = stage.enter_context(
            LlamaServer(folder / "llama", slots=SLOTS, context=arguments.context)
        )
        kafka.create_topics(dict.fromkeys((TOPIC, *OUTPUTS), PARTITIONS))
        positions = _send(kafka.bootstrap_servers, rows)
        config = folder / "safeguard.toml"
        config.write_text(_config(kafka.bootstrap_servers, llama.base_url, llama.model))
        started_s = time.monotonic()
        code = _moderate(config, folder / "worker.log", kafka.bootstrap_servers, len(rows))
        seconds = time.monotonic() - started_s
        ledger = count(positions, read_all(kafka.bootstrap_servers, OUTPUTS))
        if code != 0:
            console.print((folder / "worker.log").read_text()[-2_000:])
    return _report(console, ledger, seconds, code, arguments.out)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.dataset.moderate",
        description="Moderate a data set on real parts and read the verdicts back.",
        epilog="Example: make moderate-dataset DATA=messages.jsonl",
    )
    parser.add_argument("data", type=Path, help="JSON lines, each with a `prompt`")
    parser.add_argument("--limit", type=int, default=None, help="only the first so many")
    parser.add_argument("--context", type=int, default=8_192, help="tokens a slot")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "dataset.json")
    arguments = parser.parse_args()
    if not arguments.data.is_file():
        parser.error(f"{arguments.data} is no file: give DATA=path/to/file.jsonl")
    return arguments


def _rows(file: Path, limit: int | None) -> Iterator[str]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if limit is not None and number > limit:
                return
            try:
                yield json.loads(line)["prompt"]
            except (ValueError, KeyError, TypeError):
                raise SystemExit(f"{file}:{number}: no JSON object with a `prompt`") from None


def _send(bootstrap_servers: str, rows: list[str]) -> list[str]:
    """Write the messages; returns where each lies."""
    producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 5})
    positions: list[str] = []

    def delivered(error: object, message: object) -> None:
        if error is not None:
            raise RuntimeError(f"a message was not stored: {error}")
        where = (message.topic(), message.partition(), message.offset())  # type: ignore[attr-defined]
        positions.append("/".join(map(str, where)))

    for number, text in enumerate(rows):
        value = json.dumps({"id": str(number), "prompt": text}).encode()
        producer.produce(TOPIC, value, b"%d" % (number % KEYS), on_delivery=delivered)
        producer.poll(0)
    producer.flush(30)
    return positions


def _config(bootstrap_servers: str, endpoint: str, model: str) -> str:
    return f"""
[kafka]
bootstrap_servers = "{bootstrap_servers}"
group = "dataset"
[inference]
endpoint = "{endpoint}"
model = "{model}"
calls_max = {SLOTS}
timeout_s = 120
tokens_max = 1024
segment_bytes = 8000
[pipeline]
in_flight_max = {SLOTS * 4}
[policies]
folder = "{ROOT / "tests" / "policies"}"
[telemetry]
health_port = 0
log_format = "json"
"""


def _moderate(config: Path, log: Path, bootstrap_servers: str, total: int) -> int:
    """Run the real worker until every message has ended; returns its exit code."""
    with log.open("wb") as out:
        worker = subprocess.Popen(
            [sys.executable, "-m", "consumer", "run", "--config", str(config)],
            cwd=ROOT,
            stdout=out,
            stderr=out,
        )
        columns = (
            TextColumn("moderating"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        try:
            with Progress(*columns) as progress:
                task = progress.add_task("", total=total)
                done = 0
                while done < total and worker.poll() is None:
                    done = sum(ends_of(bootstrap_servers, OUTPUTS).values())
                    progress.update(task, completed=done)
                    time.sleep(0.5)
        finally:
            worker.terminate()
        return worker.wait(60)


def _report(console: Console, ledger: Ledger, seconds: float, code: int, out: Path) -> int:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(ledger._asdict() | {"seconds": round(seconds, 1)}, indent=2) + "\n")
    console.print(
        f"in {ledger.messages} = verdicts {ledger.verdicts} + dead letters {ledger.dead_letters}; "
        f"missing {ledger.missing}, duplicated {ledger.duplicated}, out of order "
        f"{ledger.out_of_order}; {ledger.messages / seconds:.1f}/s in {seconds:.0f} s"
    )
    console.print(f"outcomes {ledger.outcomes} (of a random model: they mean nothing)")
    return 0 if ledger.adds_up and code == 0 else 1


if __name__ == "__main__":
    raise SystemExit(main())
