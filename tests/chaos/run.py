"""Run: the whole of one run, from three empty brokers to the audit of what they hold."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from consumer.domain.verdicts.headers import PROBABILITY
from consumer.errors import MessageTooLarge, PoisonMessage, Rejected
from consumer.kafka.cluster.audits import AUDITS_TOPIC, CONFIG
from tests.benchmarks import machine
from tests.brokers.kafka import RealKafka
from tests.chaos import journal, scene
from tests.chaos.cluster import Cluster
from tests.chaos.crew import ROOT, Crew
from tests.chaos.feeder import Feeder
from tests.chaos.kinds import KINDS
from tests.chaos.lives import stored_since
from tests.chaos.model import Model
from tests.chaos.outcome import Outcome
from tests.chaos.reckoning import Reckoning, reckon
from tests.chaos.schedule import SEATS, schedule
from tests.chaos.shown import Shown, watched
from tests.chaos.storm import NODES, Storm
from tests.chaos.stuck import stuck_workers
from tests.chaos.takeover import summed_up, takeovers_s
from tests.filtered import fresh_filtering
from tests.records import Stored, read_all

REPORT_EVERY_S = 10.0
SETTLE_S = 150.0
POLL_S = 0.5
AUDIT_S = 300.0
RECKONED = ("missing", "contradicting", "out_of_order")


class Plan(NamedTuple):
    """What is asked for."""

    seed: int
    messages: int
    fault_s: float
    """How long faults strike, under each protocol."""
    protocols: tuple[str, ...]
    without: str | None = None
    partitions: int = 3


class Diary:
    """What happened when: on stderr and in a file, to be read beside the workers' logs."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("w")
        self._began_s = time.monotonic()
        self._lock = threading.Lock()

    def tell(self, words: str) -> None:
        passed_s = time.monotonic() - self._began_s
        wall_s = time.time()
        stamp = (
            time.strftime("%H:%M:%S", time.gmtime(wall_s)) + f".{int(wall_s * 1_000) % 1_000:03d}"
        )
        with self._lock:
            print(f"{passed_s:7.1f} s  {words}", file=sys.stderr, flush=True)
            print(f"{stamp} {words}", file=self._file, flush=True)

    def close(self) -> None:
        self._file.close()


def run(plan: Plan, folder: Path) -> Outcome:
    """
    Carry the plan out. `folder` is emptied, and keeps the logs of workers, brokers and the run.

    The group stays the same under all protocols: the later one goes on where the earlier left off.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    began_s = time.monotonic()
    with ExitStack() as stage:
        diary = Diary(folder / "diary.log")
        stage.callback(diary.close)
        data = Path(stage.enter_context(tempfile.TemporaryDirectory(prefix="chaos-")))
        stage.callback(_keep_broker_logs, data, folder)
        diary.tell(f"starting {NODES} brokers")
        kafka = stage.enter_context(RealKafka(data, nodes=NODES, extra=scene.BROKER))
        _create_topics(kafka, plan)
        seconds = plan.fault_s * len(plan.protocols)
        model = Model(folder, plan.messages / seconds, plan.seed)
        stage.callback(model.kill)
        model.start()
        crew = stage.enter_context(Crew(folder, diary.tell, plan.without))
        cluster = Cluster(kafka.bootstrap_servers)
        feeder = Feeder(kafka.bootstrap_servers, scene.TOPIC, plan.messages, seconds, plan.seed)
        stage.callback(feeder.abandon)
        storm = Storm(crew, kafka, cluster, feeder, model, plan.partitions, diary.tell)
        stuck: list[str] = []
        began_ms: dict[str, float] = {}
        policies = scene.write_policies(folder / "policies")
        with (
            watched(kafka.bootstrap_servers, _outputs(plan)) as shown,
            _reports(diary, feeder, cluster, plan),
        ):
            feeder.start(lambda: storm.progress / len(plan.protocols))
            for number, protocol in enumerate(plan.protocols):
                crew.config.write_text(
                    scene.settings(kafka.bootstrap_servers, model.base_url, policies, protocol)
                )
                diary.tell(f"workers start with the {protocol} protocol")
                began_ms[protocol] = time.time() * 1_000
                for seat in crew.seats[:SEATS]:
                    seat.start()
                faults = schedule(plan.seed + number, plan.fault_s)
                storm.run(faults, KINDS, plan.fault_s)
                if number + 1 < len(plan.protocols):
                    diary.tell("all is healed: waiting until what is there by now is committed")
                    stuck += stuck_workers(crew, _behind(cluster, plan))
                    diary.tell("all workers are told to stop")
                    crew.stop_all()
            diary.tell("all is healed: waiting until everything is committed")
            feeder.finish()
            assert not feeder.refused, f"the feeder failed: {feeder.refused[:3]}"
            behind = _behind(cluster, plan)
            stuck += stuck_workers(crew, behind)
        diary.tell("NOT settled in time" if behind else "all workers are told to stop")
        crew.stop_all()
        diary.tell("auditing")
        report = _audit(crew.config)
        verdicts = read_all(kafka.bootstrap_servers, scene.OUTPUTS, AUDIT_S)
        found = _reckon(
            kafka, cluster, storm, verdicts, policies, shown, journal.Recoveries(crew.logs)
        )
    ever = [*verdicts, *(record for life in storm.gone for record in life.records)]
    poison, too_large = (_blamed(verdicts, kind) for kind in (PoisonMessage, MessageTooLarge))
    return Outcome(
        seed=plan.seed,
        protocols=list(plan.protocols),
        without=plan.without,
        written=plan.messages,
        messages=report["messages"],
        verdicts=report["verdicts"],
        dead_letters=report["dead_letters"],
        lost=len(found.lost),
        duplicated_same_verdict=report["duplicated_same_verdict"],
        contradicting=max(len(found.compared.contradicting), report["contradicting"]),
        judged_twice=len(found.compared.judged_twice),
        judged_unshown=len(found.compared.judged_unshown),
        sent_twice=len(found.compared.sent_twice),
        compared=found.compared.verdicts,
        out_of_order=len(found.out_of_order),
        misdrawn=len(found.misdrawn),
        stuck=len(stuck),
        false_poison=len(poison),
        false_too_large=len(too_large),
        orphans=len(crew.orphans),
        unknown=report["unknown"],
        causes=_causes(ever),
        judged=stored_since(began_ms, ever),
        kills=storm.done["kill"],
        freezes=storm.done["freeze"],
        naps=storm.done["nap"],
        terms=storm.done["term"],
        joins=storm.done["join"],
        broker_restarts=storm.done["broker"],
        server_restarts=storm.done["server"],
        struck={name: storm.done[name] for name in KINDS},
        rebalances=sum(map(journal.assignments, crew.logs)),
        recover_s=summed_up(takeovers_s(crew.deaths, ever)),
        settled=not behind,
        exits=[found._asdict() for found in crew.exits],
        # The audit's own word on these knows nothing of topics that are gone.
        examples={kind: of for kind, of in report["examples"].items() if kind not in RECKONED}
        | _examples(
            missing=found.lost,
            contradicting=found.compared.contradicting,
            judged_twice=found.compared.judged_twice,
            judged_unshown=found.compared.judged_unshown,
            sent_twice=found.compared.sent_twice,
            out_of_order=found.out_of_order,
            misdrawn=found.misdrawn,
            stuck=stuck,
            false_poison=poison,
            false_too_large=too_large,
        ),
        duration_s=round(time.monotonic() - began_s, 1),
        machine=machine.describe(),
    )


def _outputs(plan: Plan) -> list[tuple[str, int]]:
    return [(topic, number) for topic in scene.OUTPUTS for number in range(plan.partitions)]


def _create_topics(kafka: RealKafka, plan: Plan) -> None:
    kafka.create_topics({scene.TOPIC: plan.partitions})
    kafka.create_topics(dict.fromkeys(scene.OUTPUTS, plan.partitions), scene.STAMPED)
    kafka.create_topics({AUDITS_TOPIC: 1}, CONFIG)


@contextmanager
def _reports(diary: Diary, feeder: Feeder, cluster: Cluster, plan: Plan) -> Iterator[None]:
    """Says now and then how far it is."""
    ended = threading.Event()
    outputs = dict.fromkeys(scene.OUTPUTS, plan.partitions)

    def report() -> None:
        while not ended.wait(REPORT_EVERY_S):
            ends = cluster.ends(outputs)
            judged = "?" if ends is None else sum(ends.values())
            diary.tell(f"… {feeder.stored} of {plan.messages} stored, {judged} on the outputs")

    thread = threading.Thread(target=report, name="reports", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _behind(cluster: Cluster, plan: Plan) -> set[int]:
    """
    Wait until the group has committed all that the input holds by now.

    Returns the partitions where that takes too long; none where all is well.
    """
    until_s = time.monotonic() + SETTLE_S
    partitions = set(range(plan.partitions))
    behind, wanted = partitions, None
    while behind and time.monotonic() < until_s:
        wanted = wanted or cluster.ends({scene.TOPIC: plan.partitions})
        committed = cluster.committed(scene.GROUP)
        if wanted is not None and committed is not None:
            behind = {
                part[1] for part, end in wanted.items() if end and committed.get(part, -1) < end
            }
        time.sleep(POLL_S)
    return behind


def _reckon(
    kafka: RealKafka,
    cluster: Cluster,
    storm: Storm,
    verdicts: Sequence[Stored],
    policies: Path,
    shown: Shown,
    recoveries: journal.Recoveries,
) -> Reckoning:
    """An audit sees the topics that are there; what lay on those that are gone counts as well."""
    inputs = read_all(kafka.bootstrap_servers, [scene.TOPIC], AUDIT_S)
    source = cluster.topic_id(scene.TOPIC)
    filtering = fresh_filtering(scene.filter_of(policies))
    return reckon(
        inputs,
        verdicts,
        storm.gone,
        source,
        scene.GROUP,
        filtering,
        earlier=storm.earlier,
        shown=shown,
        began=recoveries.before,
    )


def _causes(verdicts: Iterable[Stored]) -> dict[str, int]:
    """Verdicts by cause; those that the filter would have settled, and the model judged, apart."""
    found: Counter[str] = Counter()
    for verdict in verdicts:
        cause = verdict.header("safeguard-cause")
        if cause is not None:
            is_audited = cause != "prefilter" and verdict.header(PROBABILITY) is not None
            found["audited" if is_audited else cause] += 1
    return dict(sorted(found.items()))


def _examples(**found: list[str]) -> dict[str, list[str]]:
    return {kind: of[:10] for kind, of in found.items() if of}


def _blamed(verdicts: Iterable[Stored], rejection: type[Rejected]) -> list[str]:
    """Positions of dead letters with this reason."""
    return [
        str(verdict.header("safeguard-position"))
        for verdict in verdicts
        if verdict.header("safeguard-dead-letter-reason") == rejection.reason
    ]


def _audit(config: Path) -> dict[str, Any]:
    """What `safeguard audit` says of the input."""
    command = [sys.executable, "-m", "consumer", "audit", "--topic", scene.TOPIC]
    found = subprocess.run(
        [*command, "--config", str(config), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=AUDIT_S,
        check=False,
    )
    if found.returncode not in (0, 1) or not found.stdout:
        raise RuntimeError(f"the audit ended with {found.returncode}: {found.stderr}")
    report: dict[str, Any] = json.loads(found.stdout)
    return report


def _keep_broker_logs(data: Path, folder: Path) -> None:
    for log in data.glob("node-*/broker.log"):
        shutil.copy(log, folder / f"{log.parent.name}.log")
