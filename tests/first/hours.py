"""
`make first-hours`: a newcomer's way from the wheel to the first verdicts, each step as typed.

Goal: what the README tells works in a bare folder, with nothing of the checkout. Method: a venv of
its own with the wheel, a real broker, and the commands of deploy/FIVE-MINUTES.md as they stand;
then a worker with 1,000 partitions, whose threads are counted. Writes build/first_hours.json.
"""

from __future__ import annotations

import json
import re
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from confluent_kafka import Producer

from tests.brokers.kafka import RealKafka
from tests.first.place import ROOT, Done, Place

RESULT = ROOT / "build" / "first_hours.json"
TOPIC = "my.chat"
WIDE = "wide.chat"
PARTITIONS = 1_000
THREADS_MAX = 40
HELP_CPU_S = 0.3
STARTS_MAX = 4
RECOVERY_S = 120.0
"""For all partitions together; on a busy machine it takes a tenth of that."""
PAGE = ROOT / "deploy" / "FIVE-MINUTES.md"
SAYS = {
    "safeguard demo": "exactly once",
    "safeguard init": "1 broker",
    "safeguard policy new": "written",
    "safeguard policy check": "no faults",
    "safeguard topics apply": f"{TOPIC}, 3 partitions",
    "safeguard doctor": "all is well",
}
"""What the output of a command must hold, by how the command begins."""
SAID = ("good game", "check out my channel", "send me your seed phrase")


class FirstHours:
    """Plays the steps and keeps what became of each."""

    def __init__(self, place: Place, kafka: RealKafka) -> None:
        self._place = place
        self._kafka = kafka
        self.steps: list[str] = []
        self.failed: list[str] = []
        self.figures: dict[str, float] = {}
        self._endpoint = ""
        self._running: subprocess.Popen[str] | None = None

    def step(self, name: str, do: Callable[[], object]) -> None:
        """One step; a failure is kept, and the next ones are tried all the same."""
        self.steps.append(name)
        try:
            do()
        except (AssertionError, OSError, subprocess.SubprocessError, ValueError) as error:
            self.failed.append(name)
            print(f"FAILED  {name}: {error}", flush=True)
        else:
            print(f"ok      {name}", flush=True)

    def command(self, *words: str, says: str = "", code: int = 0) -> Done:
        """Run it; it must exit so and say so."""
        done = self._place.run(*words)
        told = f"exit {done.code}\n{done.out[-1_500:]}\n{done.err[-1_500:]}"
        assert done.code == code, told
        assert says in done.out, told
        assert "Traceback" not in done.err, told
        return done

    def play(self, stage: ExitStack) -> None:
        """The page's commands in its order, and then what it promises of a wide topic."""
        self.step("help", self._help)
        for line in commands():
            words = shlex.split(line)[1:]
            if words[-1] != "&":
                says = next((s for start, s in SAYS.items() if line.startswith(start)), "")
                self.step(line, partial(self.command, *self._here(words), says=says))
            elif words[0] == "stand-in":
                self._endpoint = self._stand_in(stage)
            elif words[0] == "run":
                self.step(line, lambda: self._keep(self._worker(stage, "run.log")))
            else:
                self.step(line, partial(self._watch, stage, *words[:-1]))
        self.step("init again", lambda: self.command("init", code=2))
        self.step("stop", self._stop)
        self.step("threads at 1,000 partitions", lambda: self._threads(stage))

    def _here(self, words: list[str]) -> list[str]:
        """The page's addresses are those of a usual machine; here they are others."""
        words = [word.replace("127.0.0.1:9092", self._kafka.bootstrap_servers) for word in words]
        if words[0] == "init":
            words += ["--endpoint", self._endpoint, "--model", "stand-in-safeguard"]
        return words

    def _keep(self, worker: subprocess.Popen[str]) -> None:
        self._running = worker

    def _stop(self) -> None:
        assert self._running is not None
        self._running.send_signal(signal.SIGTERM)
        assert self._running.wait(60) == 0, self._place.log("run.log")[-2_000:]

    def _help(self) -> None:
        seconds = [self.command("--help", says="init").cpu_s for _ in range(5)]
        self.figures["help_cpu_s"] = round(statistics.median(seconds), 3)
        assert self.figures["help_cpu_s"] < HELP_CPU_S, seconds

    def _stand_in(self, stage: ExitStack) -> str:
        server = self._place.start("stand-in", "--port", "0", "--latency", "0", log="stand-in.log")
        stage.callback(_end, server)
        assert server.stdout is not None
        for line in server.stdout:
            if line.startswith("endpoint"):
                return line.split()[1]
        raise AssertionError("the stand-in said nothing")

    def _watch(self, stage: ExitStack, *words: str) -> None:
        watcher = self._place.start(*words, log="watch.log")
        stage.callback(_end, watcher)
        producer = Producer({"bootstrap.servers": self._kafka.bootstrap_servers})
        for text in SAID:
            producer.produce(TOPIC, json.dumps({"text": text}).encode())
        assert producer.flush(20) == 0
        out, _ = watcher.communicate(timeout=60)
        print(out, end="")
        assert watcher.returncode == 0, self._place.log("watch.log")
        assert sorted(line.split()[1] for line in out.splitlines()) == ["allow", "block", "flag"]
        (flag,) = (line for line in out.splitlines() if " flag " in line)
        assert '"check out my channel"' in flag
        assert "3 verdicts: allow 1, flag 1, block 1" in self._place.log("watch.log")

    def _worker(self, stage: ExitStack, log: str, *words: str) -> subprocess.Popen[str]:
        """A worker that has started; its health port is in its log."""
        worker = self._place.start("run", "--set", "telemetry.health_port=0", *words, log=log)
        stage.callback(_end, worker)
        until_s = time.monotonic() + 120
        while '"event":"started"' not in self._place.log(log):
            assert worker.poll() is None, self._place.log(log)[-2_000:]
            assert time.monotonic() < until_s, self._place.log(log)[-2_000:]
            time.sleep(0.2)  # a process of its own tells only its log
        return worker

    def _patient_worker(self, stage: ExitStack) -> subprocess.Popen[str]:
        """A broker that has just made 2,000 partitions may be busy; then it is started again."""
        for _ in range(STARTS_MAX - 1):
            try:
                return self._worker(stage, "wide.log", "--set", "kafka.group=wide")
            except AssertionError:
                time.sleep(5.0)  # for the broker; nothing says when it is at rest
        return self._worker(stage, "wide.log", "--set", "kafka.group=wide")

    def _threads(self, stage: ExitStack) -> None:
        """A policy set for a wide topic, whose outputs are one, and a worker that has all of it."""
        self.command("policy", "new", "wide", "--topic", WIDE)
        set_folder = self._place.folder / "policies" / WIDE
        outputs = "".join(
            f'{name} = "{WIDE}.out"\n' for name in ("allow", "flag", "block", "dead_letter")
        )
        file = set_folder / "topic.toml"
        file.write_text(file.read_text() + f"\n[outputs]\n{outputs}")
        self._kafka.create_topics({WIDE: PARTITIONS, f"{WIDE}.out": PARTITIONS})
        self.command("topics", "apply")
        worker = self._patient_worker(stage)
        health = _health_of(self._place.log("wide.log"))
        until_s = time.monotonic() + 120
        while int(str(_ready(health).get("partitions", 0))) < PARTITIONS:
            assert time.monotonic() < until_s, str(_ready(health))[:500]
            time.sleep(0.5)  # health is asked, it does not call
        # From now on every partition is being recovered, which asks most of the brokers.
        counts = []
        began_s = time.monotonic()
        while (recovered := self._place.log("wide.log").count('"event":"recovered"')) < PARTITIONS:
            assert time.monotonic() < began_s + RECOVERY_S, f"{recovered} of {PARTITIONS} recovered"
            counts.append(_status(worker.pid, "Threads"))
            time.sleep(0.5)  # between two samples
        self.figures["recovered_1000_partitions_s"] = round(time.monotonic() - began_s, 1)
        counts.append(_status(worker.pid, "Threads"))
        self.figures["threads_1000_partitions"] = max(counts)
        self.figures["rss_1000_partitions_mb"] = _status(worker.pid, "VmRSS") // 1_024
        worker.send_signal(signal.SIGTERM)
        worker.wait(90)
        assert max(counts) <= THREADS_MAX, counts


def commands() -> list[str]:
    """What the page tells people to type."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def _health_of(log: str) -> str:
    (started,) = (line for line in log.splitlines() if '"event":"started"' in line)
    return str(json.loads(started)["health"])


def _ready(health: str) -> dict[str, object]:
    try:
        with urllib.request.urlopen(f"{health}/readyz", timeout=10) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        return dict(json.load(error))


def _status(pid: int, name: str) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in text.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1])


def _end(process: subprocess.Popen[str]) -> None:
    """Whatever is still there; in good order where it can."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="first-hours-") as name, ExitStack() as stage:
        folder = Path(name)
        place = Place(folder)
        place.install()
        print("ok      wheel built and installed", flush=True)
        kafka = stage.enter_context(RealKafka(folder / "kafka"))
        hours = FirstHours(place, kafka)
        hours.steps.append("wheel")
        hours.play(stage)
    found = {"steps": len(hours.steps), "failed": hours.failed, **hours.figures}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found))
    return 1 if hours.failed else 0


if __name__ == "__main__":
    sys.exit(main())
