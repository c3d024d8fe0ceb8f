"""The command line as a person meets it: what it prints, and how it exits."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from consumer.dev.safeguard.behaviour import Behaviour
from consumer.dev.safeguard.server import StandInSafeguard
from tests.brokers.kafka import RealKafka
from tests.forked import ROOT, run_command
from tests.journeys.worker import OUTPUTS, POLICY, make_policies
from tests.records import committed, read_all, write
from tests.stage import Broker, new_name


def safeguard(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return run_command(words, stdin)


def flags(**settings: str) -> list[str]:
    """Settings as `--set section.name=value`; two underscores stand for the dot."""
    return [
        word
        for name, value in settings.items()
        for word in ("--set", f"{name.replace('__', '.')}={value}")
    ]


def test_help_is_everywhere_and_has_examples() -> None:
    """Every command explains itself, with an example to copy."""
    for command in (
        ["run"],
        ["demo"],
        ["classify"],
        ["doctor"],
        ["evaluate"],
        ["audit"],
        ["rejudge"],
        ["settings"],
        *(["review", word] for word in ("feed", "next", "show", "decide", "undo", "skip", "hold")),
        *(["review", word] for word in ("move", "stats", "rebuild", "export-cases", "verify-log")),
        *(["review", word] for word in ("log", "appeal-link")),
        ["topics", "plan"],
        ["topics", "apply"],
        ["topics", "pause"],
        ["topics", "resume"],
        ["topics", "paused"],
        ["policy", "check"],
        ["policy", "show"],
        ["policy", "pin"],
        ["policy", "import"],
        ["policy", "export"],
        ["policy", "review"],
    ):
        found = safeguard(*command, "--help")
        assert found.returncode == 0, found.stderr
        assert f"safeguard {' '.join(command)}" in found.stdout.replace("\n", " ")
        assert "Example" in found.stdout, command


def test_evaluate_says_who_answered_and_what_got_through() -> None:
    """Plain lines in a pipe, exit 1 for what breaks, 0 for what holds, 2 for a wrong topic."""
    with StandInSafeguard.in_thread() as server:
        there = flags(inference__endpoint=server.base_url)
        attacked = safeguard("evaluate", "--topic", "chat.messages", "--suite", "attacks", *there)
        chosen = ["--topic", "chat.messages", "--version", "v1", "--suite", "cases", "--limit", "1"]
        held = safeguard("evaluate", *chosen, "--concurrency", "2", "--json", *there)
        wrong = safeguard("evaluate", "--topic", "nobody.binds", *there)

    assert attacked.returncode == 1, attacked.stderr
    assert "answered by openai/gpt-oss-safeguard-20b at http" in attacked.stdout
    assert "STAND-IN: no model judged here" in attacked.stdout
    assert "\x1b" not in attacked.stdout + attacked.stderr
    assert held.returncode == 0, held.stdout + held.stderr
    assert json.loads(held.stdout)["served"] == ["stand-in-safeguard"]
    assert wrong.returncode == 2
    assert "no policy binds the topic nobody.binds" in wrong.stderr


def test_evaluate_measures_a_file_and_goes_on_after_a_kill(tmp_path: Path) -> None:
    """Killed on its way, started again: every text is judged once, and the page is there."""
    cases = tmp_path / "cases.csv"
    rows = [f"row {n},say banned thing {n},{'bad' if n % 2 else 'good'}" for n in range(150)]
    cases.write_text("\n".join(["id,tweet,class", *rows, '151,"never closed,bad']))
    results, page = tmp_path / "results.jsonl", tmp_path / "page.html"
    with StandInSafeguard.in_thread(record=True) as server:
        server.behave(Behaviour(latency_s=0.05))
        words = ["evaluate", "--topic", "chat.messages", "--cases", str(cases)]
        words += ["--map", "text=tweet,label=class", "--labels", "bad=HH2,good=HH0"]
        words += ["--results", str(results), "--report", str(page), "--concurrency", "4", "--json"]
        words += flags(inference__endpoint=server.base_url)
        with subprocess.Popen(
            [sys.executable, "-m", "consumer", *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as first:
            until_s = time.monotonic() + 60
            while time.monotonic() < until_s and len(server.answers) < 40:
                time.sleep(0.02)  # the killed process is watched by what its server was asked
            first.kill()
        found = safeguard(*words)
        asked = Counter(answer.text for answer in server.answers)
        bad = safeguard(*words, "--map", "text=text")

    assert found.returncode == 0, found.stderr
    report = json.loads(found.stdout)
    assert report["runs"][0]["questions"] == 150
    assert report["results"]["judged_twice"] == 0
    assert 0 < report["results"]["kept_before"] < 150
    # Only what was under way when it was killed is asked again: its answers never came.
    assert sum(n - 1 for text, n in asked.items() if text.startswith("say banned")) <= 4
    assert report["cases"]["bad_rows_named"][0].startswith("line 152: a quote is opened")
    assert "STAND-IN" in page.read_text()
    assert bad.returncode == 2
    assert "no row has a column text; " in bad.stderr


def test_the_demo_adds_up_and_prints_plain_lines_when_piped() -> None:
    """In = verdicts + dead letters, none twice, exit 0; no escape codes in a pipe."""
    found = safeguard("demo", "--seconds", "4", "--rate", "30")

    assert found.returncode == 0, found.stdout + found.stderr
    assert "STAND-IN" in found.stdout
    assert "every message in came out exactly once" in found.stdout
    assert "; none twice" in found.stdout
    assert "\x1b" not in found.stdout
    verdicts = [
        line for line in found.stdout.splitlines() if line.startswith(("allow ", "flag ", "block "))
    ]
    assert len(verdicts) > 80


def test_policy_faults_are_listed_at_once_by_file_and_line(tmp_path: Path) -> None:
    """Exit 2, and one line for each thing to mend."""
    make_policies(tmp_path, '["a"]')
    (tmp_path / "set" / "v1" / "words.md").write_text(POLICY.replace("DOUBT: flag", "DOUBT: maybe"))
    (tmp_path / "set" / "topic.toml").write_text('topics = ["a"]\nlive = 1\nordre = "key"\n')
    found = safeguard("policy", "check", str(tmp_path))

    assert found.returncode == 2
    assert "2 faults" in found.stderr
    assert "set/topic.toml:3: ordre: unknown key" in found.stderr
    assert "set/v1/words.md:5: labels.DOUBT" in found.stderr
    assert "Traceback" not in found.stderr


def test_setting_faults_name_where_they_came_from(tmp_path: Path) -> None:
    """A typo in the file and a wrong flag are both named, with their places."""
    file = tmp_path / "safeguard.toml"
    file.write_text('[kafka]\nbootstrap_server = "x"\n')
    found = safeguard("run", "--config", str(file), *flags(inference__calls_max="none"))

    assert found.returncode == 2
    assert f"{file}:2: kafka.bootstrap_server: unknown setting; did you mean" in found.stderr
    assert "--set inference.calls_max" in found.stderr


def test_policies_are_shown_with_the_very_prompt() -> None:
    """`policy show` in whole lines; with `--prompt` what the model is sent."""
    overview = safeguard("policy", "show")
    assert "  live chat.messages@v2  " in overview.stdout
    one = safeguard("policy", "show", "chat.messages@v2").stdout
    assert "\nself_harm: " in one
    measures = r"^  severity \w+, effort \w+, about \d+ tokens, \d+ in the prompt$"
    assert re.search(measures, one, re.M)
    assert re.search(r"^  HH2   +block$", one, re.M)
    found = safeguard("policy", "show", "chat.messages@v2", "--prompt")

    assert found.returncode == 0
    assert "You classify one user message" in found.stdout
    assert found.stdout.count('"label" is one of') == 6
    unknown = safeguard("policy", "show", "chat.messages@v9")
    assert unknown.returncode == 2
    assert "chat.messages@v1" in unknown.stderr


def test_a_text_is_classified_without_kafka() -> None:
    """`classify` prints outcome, labels, rationale and how sure it is, or JSON."""
    with StandInSafeguard.in_thread() as server:
        where = flags(inference__endpoint=server.base_url, inference__model="stand-in-safeguard")
        plain = safeguard("classify", "kill yourself", "--topic", "chat.messages", *where)
        piped = safeguard("classify", "-", "--json", *where, stdin="good morning all")

    assert plain.returncode == 0, plain.stderr
    assert plain.stdout.startswith("BLOCK  under chat.messages@v2, by stand-in-safeguard")
    assert "certainty 0.88 (not calibrated), rests on: confidence_word" in plain.stdout
    document = json.loads(piped.stdout)
    assert document["outcome"] == "allow"
    assert document["judgements"][0]["certainty"]["score"] == pytest.approx(0.914)
    assert document["judgements"][0]["second_look"] is None
    unbound = safeguard("classify", "x", "--topic", "nobody", *where)
    assert unbound.returncode == 2
    assert "no policy binds the topic nobody" in unbound.stderr


def test_an_endpoint_that_is_not_there_is_an_error_not_a_traceback() -> None:
    """Exit 1 with one line."""
    found = safeguard("classify", "x", *flags(inference__endpoint="http://127.0.0.1:9/v1"))

    assert found.returncode == 1
    assert "the request failed" in found.stderr
    assert "Traceback" not in found.stderr


@pytest.fixture
def endpoint() -> Iterator[str]:
    with StandInSafeguard.in_thread(Behaviour(latency_lognormal=(0.02, 0.08))) as server:
        yield server.base_url


@pytest.mark.kafka
def test_topics_are_planned_made_and_doctored(
    real_kafka: RealKafka, endpoint: str, tmp_path: Path
) -> None:
    """plan says what is missing, apply makes it, doctor is content, the key is a secret file."""
    topic = new_name()
    real_kafka.create_topics({topic: 2, f"{topic}.allow": 1})
    make_policies(tmp_path, f'["{topic}"]')
    key = tmp_path / "key"
    key.write_text("secret\n")
    where = flags(
        kafka__bootstrap_servers=real_kafka.bootstrap_servers,
        kafka__replication="1",
        policies__folder=str(tmp_path),
        inference__endpoint=endpoint,
        inference__model="stand-in-safeguard",
        inference__api_key_file=str(key),
    )
    ill = safeguard("doctor", *where)
    assert ill.returncode == 1
    assert f"{topic}.block: missing" in ill.stdout
    plan = safeguard("topics", "plan", *where)
    assert plan.returncode == 1
    assert f"{topic}.allow: has 1 partition, but {topic} has 2" in plan.stdout
    refused = safeguard("topics", "apply", *where, *flags(kafka__replication="3"))
    assert refused.returncode == 2
    assert "kafka.replication, now 3" in refused.stderr
    applied = safeguard("topics", "apply", *where)
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert safeguard("topics", "plan", *where).returncode == 0
    well = safeguard("doctor", *where)

    assert well.returncode == 0, well.stdout
    assert "known-bad text: THREAT" in well.stdout
    assert "known-good text: SAFE" in well.stdout
    assert "all is well" in well.stdout


class Service:
    """`safeguard run` as a process of its own."""

    def __init__(
        self,
        broker: Broker,
        endpoint: str,
        policies: Path,
        group: str,
        protocol: str = "classic",
    ) -> None:
        # With KIP-848 the brokers say how often a member is heard; the client refuses to be told.
        heartbeat = {"kafka__client__heartbeat__interval__ms": "300"}
        self._words = flags(
            **(heartbeat if protocol == "classic" else {}),
            kafka__group_protocol=protocol,
            kafka__bootstrap_servers=broker.bootstrap_servers,
            kafka__group=group,
            kafka__session_timeout_s="6",
            kafka__message_timeout_s="1.5",
            kafka__request_timeout_s="1.5",
            kafka__lease_margin_s="0.5",
            policies__folder=str(policies),
            inference__endpoint=endpoint,
            inference__model="stand-in-safeguard",
            pipeline__commit_every_s="0.2",
            telemetry__health_port="0",
            telemetry__log_format="json",
        )

    @contextmanager
    def running(self, *more: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "consumer", "run", *self._words, *more],
                cwd=ROOT,
                stdout=out,
                stderr=out,
            )
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait(60)


def wait_for(condition: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    until_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until_s, f"waited for {what}"
        time.sleep(0.05)  # another process has no event to wait for


def events(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def is_settled(log: Path, processes: int, partitions: int) -> bool:
    """Whether every process has started and has been given its share."""
    found = events(log)
    given = [event["partitions"] for event in found if event["event"] == "assigned"]
    ended = sum(event["event"] == "assignment ended" for event in found)
    owned = sum(len(each) for each in given if isinstance(each, list)) - ended
    started = sum(event["event"] == "started" for event in found)
    return started == processes and len(given) >= processes and owned == partitions


@pytest.mark.kafka
@pytest.mark.parametrize("processes", [1, 2])
def test_the_service_runs_until_sigterm_and_has_committed_everything(
    real_kafka: RealKafka, endpoint: str, tmp_path: Path, processes: int
) -> None:
    """SIGTERM drains: exit 0, every message once, all committed; the log holds no user text."""
    broker = Broker("real", real_kafka.bootstrap_servers, real_kafka)
    topic, group = broker.moderated(partitions=2), new_name()
    make_policies(tmp_path, f'["{topic}"]')
    canary = "canary-in-the-text"
    values = [json.dumps({"text": f"{canary} {n} doubtful thing"}).encode() for n in range(300)]
    log = tmp_path / "log"
    service = Service(broker, endpoint, tmp_path, group)
    with service.running("--processes", str(processes), log=log) as process:
        # A stop in the middle of a rebalance commits less: it is another test's subject.
        wait_for(lambda: is_settled(log, processes, 2), "an assignment for each process")
        for partition in (0, 1):
            write(broker.bootstrap_servers, topic, values, key=b"k", partition=partition)
        wait_for(
            lambda: len(read_all(broker.bootstrap_servers, [f"{topic}.flag"])) > 100, "verdicts"
        )
        if processes == 1:
            health = next(e["health"] for e in events(log) if e["event"] == "started")
            assert b'"ok":true' in urllib.request.urlopen(f"{health}/livez").read()
            assert b'"ok":true' in urllib.request.urlopen(f"{health}/readyz").read()
            labels = f'cause="model",outcome="flag",topic="{topic}"'

            def metrics() -> str:
                return str(urllib.request.urlopen(f"{health}/metrics").read().decode())

            # Counters are handed on four times a second.
            wait_for(
                lambda: f"safeguard_verdicts_total{{{labels}}}" in metrics(),
                "the verdicts' counter",
            )
            assert "safeguard_ledger_difference 0.0" in metrics()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0

    with service.running("--processes", str(processes), log=tmp_path / "log2") as process:
        wait_for(
            lambda: (
                is_settled(tmp_path / "log2", processes, 2)
                and len(read_all(broker.bootstrap_servers, [f"{topic}.flag"])) == 600
            ),
            "the rest",
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0

    found = read_all(broker.bootstrap_servers, [topic + end for end in OUTPUTS])
    assert len({record.header("safeguard-position") for record in found}) == len(found) == 600
    for partition in (0, 1):
        assert committed(broker.bootstrap_servers, group, topic, partition) == 300
    assert canary not in log.read_text()
    assert all(event["difference"] == 0 for event in events(log) if event["event"] == "stopped")


@pytest.mark.kafka
def test_after_a_kill_nothing_is_missing_and_ids_repeat(
    real_kafka: RealKafka, endpoint: str, tmp_path: Path
) -> None:
    """SIGKILL in mid-flight: the next worker judges what was not committed, under the same ids."""
    broker = Broker("real", real_kafka.bootstrap_servers, real_kafka)
    topic, group = broker.moderated(), new_name()
    make_policies(tmp_path, f'["{topic}"]')
    values = [json.dumps({"text": f"{n} banned thing"}).encode() for n in range(400)]
    write(broker.bootstrap_servers, topic, values, key=b"k")
    service = Service(broker, endpoint, tmp_path, group)
    for attempt in range(2):
        with service.running(log=tmp_path / f"log{attempt}") as process:
            wait_for(
                lambda seen=attempt * 100 + 50: (  # type: ignore[misc]
                    len(read_all(broker.bootstrap_servers, [f"{topic}.block"])) > seen
                ),
                "verdicts",
            )
            process.kill()
            process.wait(10)
    with service.running(log=tmp_path / "log3"):
        wait_for(
            lambda: committed(broker.bootstrap_servers, group, topic) == 400, "the whole topic"
        )

    ids: dict[str | None, set[str | None]] = {}
    for record in read_all(broker.bootstrap_servers, [f"{topic}.block"]):
        position = record.header("safeguard-position")
        ids.setdefault(position, set()).add(record.header("safeguard-verdict-id"))
    assert len(ids) == 400
    assert all(len(found) == 1 for found in ids.values())


@pytest.mark.kafka
def test_brokers_that_do_not_answer_are_named(tmp_path: Path) -> None:
    """Exit 1 within the client's patience, and the error names the setting."""
    make_policies(tmp_path, '["a"]')
    found = safeguard(
        "topics",
        "plan",
        *flags(kafka__bootstrap_servers="127.0.0.1:9", policies__folder=str(tmp_path)),
    )

    assert found.returncode == 1
    assert "kafka.bootstrap_servers" in found.stderr
    assert "Traceback" not in found.stderr
