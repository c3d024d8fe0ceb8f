"""A world from a seed: workers, brokers and a model, faults for a while, and then the reckoning."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import NamedTuple

import orjson

from consumer.domain.binding import Outputs
from consumer.domain.checkpoint import decode_checkpoint, short_id
from consumer.domain.messages.message import Position, Record
from consumer.domain.policy import Outcome
from consumer.domain.screening import (
    ListEntry,
    ListTerms,
    MemoTerms,
    NeighbourTerms,
    ScreeningTerms,
)
from consumer.domain.verdicts.headers import PROBABILITY
from consumer.domain.verdicts.provenance import is_of_topic
from consumer.interfaces import Output, Partition
from consumer.pipeline.flow.limiter import FlowLimits
from tests.simulation.client import GROUP, position_of
from tests.simulation.cluster import OUTPUTS, Cluster
from tests.simulation.filter import filter_terms
from tests.simulation.filter_journal import FilterJournal
from tests.simulation.notes import NoteTopic
from tests.simulation.process import VERSION, SimPolicies, SimProcess
from tests.simulation.safeguard import LABELS
from tests.simulation.scheduler import Scheduler

SESSION_S = 10.0
INFINITE_S = float("inf")
FAULTS_S = 40.0
"""For so long things go wrong; then they are left in peace."""
PEACE_S = 400.0
"""Within so long everything must be judged."""


KINDS = (
    *("kill", "kill", "stop", "start", "start", "stall", "stall", "replace", "replace"),
    *("cut", "model", "coordinator", "brokers", "output again", "input again"),
)
WHIMS = ("limits", "deadly outage", "edits")
"""What happens in some worlds beside that, by dice of their own."""
SCREENED_SHARE = 0.5
"""Of the worlds: in these something is settled before the model."""
UNSCREENED = ScreeningTerms(memo=None)
SCREENING = ScreeningTerms(
    MemoTerms(for_s=20.0),
    NeighbourTerms(for_s=20.0, authors_max=5),
    (ListTerms("l", Outcome.FLAG, "words", (ListEntry(1, "listed"),), "e" * 32),),
)
SCREENED_CAUSES = ("memo", "near-duplicate", "list", "prefilter")
FILTERED_SHARE = 0.3
"""Of the worlds: in these a learned filter is on, is audited, and may raise its alarm."""
LIMIT_BYTES = 4_000
"""Two verdicts and no more."""
LARGE_CHARS = 30_000
OUTAGE_S = 70.0
DEATH_EVERY_S = 9.0
"""Within this a new worker waits out the lease of the last one, and begins."""
FAULTS = (
    *("lost", "contradicting", "judged_twice", "out_of_order", "blamed", "failures"),
    *("unfinished", "misjudged", "misdrawn", "after_alarm", "unlike"),
)


@dataclass
class Finding:
    """What one seed came to."""

    seed: int
    messages: int = 0
    lost: list[str] = field(default_factory=list)
    contradicting: list[str] = field(default_factory=list)
    judged_twice: list[str] = field(default_factory=list)
    """Two judgements of one record are visible; with luck they say the same."""
    out_of_order: list[str] = field(default_factory=list)
    blamed: list[str] = field(default_factory=list)
    """Dead letters of records that neither end a worker nor are large."""
    misjudged: list[str] = field(default_factory=list)
    """Deletions that were judged, and edits that nothing overtook and nobody judged."""
    misdrawn: list[str] = field(default_factory=list)
    """Settled or audited otherwise than text and position say, by whoever came first or later."""
    after_alarm: list[str] = field(default_factory=list)
    """Settled by a worker that knew, or had to know, that the filter was off."""
    unlike: list[str] = field(default_factory=list)
    """Workers that concluded otherwise than the notes that they had read."""
    duplicated: int = 0
    failures: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)

    @property
    def is_fine(self) -> bool:
        return not any(getattr(self, fault) for fault in FAULTS)

    def __str__(self) -> str:
        faults = {name: value for name in FAULTS if (value := getattr(self, name))}
        return f"seed {self.seed}: {faults or 'fine'}; {dict(self.events)}"


class _Verdict(NamedTuple):
    headers: Mapping[str, bytes | None]
    topic: str
    topic_id: str
    offset: int
    stored_s: float
    deleted_s: float

    @property
    def outcome(self) -> str:
        return (self.headers.get("safeguard-outcome") or b"dead letter").decode()

    @property
    def is_audited(self) -> bool:
        """A filter would have settled it, and the model was asked all the same."""
        is_settled = self.headers.get("safeguard-cause") == b"prefilter"
        return self.headers.get(PROBABILITY) is not None and not is_settled

    @property
    def judgement(self) -> object:
        """
        When and by whom it was judged: what was stored twice has the same, judged twice has not.

        A dead letter does not say; it comes from no judgement.
        """
        if "safeguard-outcome" not in self.headers:
            return None
        return self.headers.get("safeguard-judged-at"), self.headers["safeguard-term"]


class World:
    """Everything that one seed decides."""

    def __init__(self, seed: int) -> None:
        self.finding = Finding(seed)
        dice = self.dice = Random(seed)
        self.scheduler = Scheduler()
        self.cluster = Cluster(
            self.scheduler, dice, dice.choice((1, 2, 3)), SESSION_S, dice.random() < 0.5
        )
        self.whims = Random(f"whims of {seed}")
        self.has_lower_limits = self.whims.random() < 0.25
        self.are_limits_shown = self.whims.random() < 0.5
        self.has_deadly_outage = self.whims.random() < 0.1
        self.changes = Random(f"edits of {seed}")
        self.has_edits = self.changes.random() < 0.25
        settle_s = self.changes.choice((0.0, 2.0, 6.0)) if self.has_edits else None
        self.has_screening = Random(f"screening of {seed}").random() < SCREENED_SHARE
        screening = SCREENING if self.has_screening else UNSCREENED
        self.notes: NoteTopic | None = None
        self.journal: FilterJournal | None = None
        drawn = self.drawn = Random(f"filter of {seed}")
        if drawn.random() < FILTERED_SHARE:
            floor = drawn.choice((0.3, 0.6, 0.8))
            terms = filter_terms(
                VERSION.digest, is_poor=drawn.random() < 0.75, floor=floor, near=floor
            )
            screening = replace(screening, prefilter=terms)
            self.notes = NoteTopic(self.scheduler, drawn)
            self.journal = FilterJournal(terms, self.notes)
        # Verdicts are as large as what they are about where that is passed on as it is.
        outputs = Outputs(payload="passthrough" if self.has_lower_limits else "envelope")
        self.policies = SimPolicies(
            dice.choice((0.0, 8.0, 30.0)), "wait", outputs, screening, settle_s
        )
        self.limits = FlowLimits(dice.choice((2, 8, 30)), dice.choice((4, 20, 100)), 200)
        self.stall_rate = dice.choice((0.0, 0.0, 0.0005, 0.002))
        self.fault_rate = dice.choice((0.0, 0.05, 0.2))
        self.fault_every_s = dice.choice((1.0, 3.0, 8.0))
        self.processes: list[SimProcess] = []
        self.wanted = dice.choice((1, 2, 2, 3))
        self._names = 0
        self._is_peace = False
        self.is_model_out = False

    def run(self) -> Finding:
        """Faults, then peace, then the reckoning."""
        scheduler = self.scheduler
        self._feed()
        for _ in range(self.wanted):
            self._start()
        self._patrol()
        began_s = scheduler.now_s
        scheduler.after(self.dice.random() * self.fault_every_s, self._fault)
        if self.has_lower_limits:
            scheduler.after(self.whims.random() * FAULTS_S, self._lower_limits)
        if self.has_deadly_outage:
            scheduler.after(self.whims.random() * FAULTS_S, self._begin_deadly_outage)
        if self.has_edits:
            self.finding.events["edits"] += 1
        if self.notes is not None:
            self._speak_of_filter(self.notes)
        scheduler.run(began_s + FAULTS_S, lambda: False)
        if self.has_deadly_outage:
            scheduler.run(scheduler.now_s + FAULTS_S + OUTAGE_S, lambda: not self.is_model_out)
        self._make_peace()
        scheduler.run(scheduler.now_s + PEACE_S, self._is_done)
        if not self._is_done():
            self._note_unfinished()
        for process in self.processes:
            process.stop()
        scheduler.run(scheduler.now_s + 20, lambda: all(p.is_over for p in self.processes))
        self._reckon()
        return self.finding

    # The input.

    def _feed(self) -> None:
        dice = self.dice
        count = dice.choice((dice.randrange(8, 40), dice.randrange(8, 40), 120))
        keys = [None, *(b"k%d" % number for number in range(dice.choice((1, 3, 10))))]
        spread_s = dice.choice((0.5, 10.0, FAULTS_S))
        self.finding.messages = count
        for _ in range(count):
            partition = dice.choice(list(self.cluster.inputs))
            key = dice.choice(keys)
            text = b"" if dice.random() < 0.05 else b"label " + dice.choice(LABELS).encode()
            if self.has_screening and text:
                text = self._alike(text)
            if self.has_lower_limits and text and self.whims.random() < 0.3:
                text += b" large" * (LARGE_CHARS // 6)
            if self.has_edits:
                text = self._changing(key, text)
            self.scheduler.after(
                dice.random() * spread_s,
                lambda partition=partition, key=key, text=text: self._write(partition, key, text),  # type: ignore[misc]
            )

    def _changing(self, key: bytes | None, text: bytes) -> bytes:
        """A message of few, or its edit or deletion; a message has its key for ever."""
        kind = self.changes.choices(("posted", "edited", "deleted"), (4, 5, 1))[0]
        name = f"{key!r} {self.changes.randrange(2)}"
        return orjson.dumps({"type": kind, "id": name, "text": text.decode()})

    def _alike(self, text: bytes) -> bytes:
        """Some are on the list, some the same as others, and some nearly the same."""
        if self.whims.random() < 0.1:
            return text + b" listed"
        text += b" come all of you and shout at them tonight"
        return text + b" %s" % self.whims.choice((b"", b"", b"now", b"please", b"quickly", b"xqz"))

    def _write(self, partition: Partition, key: bytes | None, text: bytes) -> None:
        log = self.cluster.inputs[partition]
        # Holes, as compaction and transactions leave them, would need offsets apart from the index.
        position = Position(partition.topic, partition.number, len(log))
        log.append(Record(position, 1_700_000_000_000, key, text))

    # Workers and faults.

    def _start(self) -> None:
        self._names += 1
        self.processes.append(
            SimProcess(
                self.scheduler,
                self.cluster,
                self.dice,
                f"w{self._names}",
                SESSION_S,
                self.policies,
                self.limits,
                self.stall_rate,
                self.fault_rate,
                are_limits_shown=self.are_limits_shown,
                careful_after=2 if self.has_deadly_outage else 4,
                is_model_out=self.is_model_out,
                journal=self.journal,
                notes=self.notes,
            )
        )

    def _alive(self) -> list[SimProcess]:
        return [process for process in self.processes if not process.is_over]

    def _patrol(self) -> None:
        """What goes on by itself: the coordinator looks at its members, the dead are replaced."""
        self.cluster.expel()
        for process in self._alive():
            if process.failure is not None:
                self.finding.failures.append(f"{process.name}: {process.failure}")
                process.kill()
        if self._is_peace:
            while len([p for p in self._alive() if not p.is_stopping]) < self.wanted:
                self._start()
        self.scheduler.after(0.5, self._patrol)

    def _fault(self) -> None:
        if self._is_peace:
            return
        dice = self.dice
        self.scheduler.after(dice.expovariate(1 / self.fault_every_s), self._fault)
        alive = [process for process in self._alive() if not process.is_stopping]
        kind = dice.choice(KINDS)
        self.finding.events[kind] += 1
        if kind == "start" or not alive:
            if len(alive) < 3:
                self._start()
            return
        process = dice.choice(alive)
        if kind == "kill":
            process.kill()
        elif kind == "stop":
            process.stop()
        elif kind == "replace":
            # Static membership: a new process takes over at once, and the old one, which nobody
            # hears, may be dead or may only stand still.
            if dice.random() < 0.5:
                process.kill()
            else:
                process.loop.stand_still(dice.random() * 8)
            self.cluster.leave(process.source.member)
            self._start()
        elif kind == "stall":
            process.loop.stand_still(dice.choice((1.0, 5.0, 12.0, 25.0)) * dice.random())
        elif kind == "cut":
            self._for_a_while(process.network, "is_cut_from_coordinator")
        elif kind == "model":
            self._for_a_while(process.transport, "is_out")
        elif kind == "output again":
            self._make_outputs_again(alive)
        elif kind == "input again":
            self.cluster.make_again("in")
        elif kind == "coordinator":
            self._for_a_while(self.cluster, "is_coordinator_out")
        else:
            self._for_a_while(self.cluster, "are_brokers_out")

    def _make_outputs_again(self, alive: list[SimProcess]) -> None:
        """
        One or all; and in half of the cases somebody who knew the old ones is to take over.

        That one dies in its turn: what it left is for one who knows only its last commit.
        """
        for topic in OUTPUTS if self.dice.random() < 0.5 else [self.dice.choice(OUTPUTS)]:
            self.cluster.make_again(topic)
        if len(alive) > 1 and self.dice.random() < 0.5:
            first, second = self.dice.sample(alive, 2)
            self.scheduler.after(self.dice.random() * 4, first.kill)
            self.scheduler.after(12 + self.dice.random() * 16, second.kill)

    def _for_a_while(self, where: object, switch: str) -> None:
        setattr(where, switch, True)
        seconds = self.dice.choice((1.0, 4.0, 15.0)) * self.dice.random()
        self.scheduler.after(seconds, lambda: setattr(where, switch, False))

    def _lower_limits(self) -> None:
        self.finding.events["limits"] += 1
        self.cluster.batch_bytes_max = LIMIT_BYTES

    def _begin_deadly_outage(self) -> None:
        """The model answers nobody, and meanwhile the workers are killed over and over."""
        self.finding.events["deadly outage"] += 1
        self.is_model_out = True
        for process in self._alive():
            process.transport.is_out = True
        deaths = int(OUTAGE_S / DEATH_EVERY_S)
        for number in range(1, deaths + 1):
            self.scheduler.after(number * DEATH_EVERY_S, self._kill_all)
        self.scheduler.after(OUTAGE_S, self._end_deadly_outage)

    def _kill_all(self) -> None:
        for process in self._alive():
            process.kill()
            # Static membership: whoever comes next need not wait for the session.
            self.cluster.leave(process.source.member)
        self._start()

    def _end_deadly_outage(self) -> None:
        self.is_model_out = False
        for process in self._alive():
            process.transport.is_out = False

    def _speak_of_filter(self, notes: NoteTopic) -> None:
        """Words of a person, whatever the alarm says; and the topic may come late."""
        self.finding.events["filter"] += 1
        drawn, journal = self.drawn, self.journal
        assert journal is not None
        off, on = journal.word("switched off"), journal.word("switched on")
        for word in (off, on, on):
            if drawn.random() < 0.4:
                self.scheduler.after(drawn.random() * FAULTS_S, partial(notes.append, word))
        if drawn.random() < 0.2:
            notes.is_there = False
            self.scheduler.after(drawn.random() * 10, lambda: setattr(notes, "is_there", True))

    def _make_peace(self) -> None:
        self._is_peace = True
        self.cluster.is_coordinator_out = self.cluster.are_brokers_out = False
        for process in self._alive():
            process.network.is_cut_from_coordinator = False
            process.transport.is_out = False

    def _is_done(self) -> bool:
        return all(
            self._committed(partition) >= len(log) for partition, log in self.cluster.inputs.items()
        )

    def _committed(self, partition: Partition) -> int:
        """What is committed of the topic that is there now, not of one before it."""
        offset, metadata = self.cluster.commits.get(partition, (0, ""))
        left = decode_checkpoint(metadata, offset, partition.topic)
        is_of_this = left is not None and left.topic_id == short_id(self.cluster.ids["in"])
        return offset if is_of_this else 0

    def _note_unfinished(self) -> None:
        for partition, log in self.cluster.inputs.items():
            offset = self._committed(partition)
            if offset < len(log):
                states = "; ".join(repr(p.intake) for p in self._alive())
                self.finding.unfinished.append(f"{partition} at {offset} of {len(log)}: {states}")

    # The reckoning.

    def _reckon(self) -> None:
        cluster, now_s = self.cluster, self.scheduler.now_s
        present = {p.number: log for p, log in cluster.inputs.items()}
        verdicts = self._verdicts()
        self._reckon_input(cluster.ids["in"], present, now_s, verdicts, is_there=True)
        for gone in cluster.gone:
            if gone.records:
                # What was not judged when it was deleted never will be.
                self._reckon_input(gone.topic_id, gone.records, gone.deleted_s, verdicts)
        self.finding.events["rebalances"] = cluster.rebalances
        if self.journal is not None:
            found = self.journal.reckon()
            self.finding.after_alarm, self.finding.unlike = found.after_alarm, found.unlike
            self.finding.events["alarm"] += found.alarms

    def _verdicts(self) -> dict[Position, list[_Verdict]]:
        """All there ever were, by the position that they name, in the order they were stored."""
        cluster = self.cluster
        lives = [(o, cluster.ids[o.topic], INFINITE_S, log) for o, log in cluster.outputs.items()]
        for gone in cluster.gone:
            for number, log in gone.entries.items():
                lives.append((Output(gone.topic, number), gone.topic_id, gone.deleted_s, log))
        found: dict[Position, list[_Verdict]] = {}
        for output, topic_id, deleted_s, log in lives:
            for offset, entry in enumerate(log):
                headers = dict(entry.publication.headers)
                verdict = _Verdict(
                    headers, output.topic, topic_id, offset, entry.stored_s, deleted_s
                )
                found.setdefault(position_of(headers), []).append(verdict)
                cause = (headers.get("safeguard-cause") or b"").decode()
                if cause in SCREENED_CAUSES:
                    self.finding.events[cause] += 1
        for each in found.values():
            each.sort(key=lambda verdict: verdict.stored_s)
        return found

    def _reckon_input(
        self,
        topic_id: str,
        logs: Mapping[int, list[Record]],
        until_s: float,
        verdicts: Mapping[Position, list[_Verdict]],
        *,
        is_there: bool = False,
    ) -> None:
        finding = self.finding
        last: dict[tuple[int, bytes], tuple[str, _Verdict]] = {}
        for record in [record for log in logs.values() for record in log]:
            at = record.position
            name = f"{topic_id[:4]}:{at}"
            found = [
                each
                for each in verdicts.get(at, [])
                if each.stored_s <= until_s and is_of_topic(each.headers, at, topic_id, GROUP)
            ]
            if not found:
                if is_there:
                    finding.lost.append(name)
                continue
            finding.duplicated += len(found) - 1
            reasons = {each.headers.get("safeguard-dead-letter-reason") for each in found}
            if b"poison" in reasons or (
                b"too_large" in reasons and len(record.value or b"") < LIMIT_BYTES
            ):
                finding.blamed.append(f"{name}: {reasons}")
            for earlier, later in itertools.combinations(found, 2):
                if earlier.deleted_s < later.stored_s:
                    # What went with its topic is no evidence for anybody.
                    continue
                if earlier.topic != later.topic:
                    finding.contradicting.append(f"{name}: {earlier.outcome}, {later.outcome}")
                if earlier.judgement != later.judgement:
                    finding.judged_twice.append(name)
            if self.journal is not None:
                self._reckon_filter(self.journal, topic_id, record, found)
            if self.has_edits:
                self._reckon_change(name, record, found, logs[at.partition])
            if record.key is None:
                continue
            before = last.get((at.partition, record.key))
            if before is not None and _is_late(before[1], found[0]):
                finding.out_of_order.append(f"{before[0]} after {name}")
            last[at.partition, record.key] = (name, found[0])

    def _reckon_filter(
        self, journal: FilterJournal, topic_id: str, record: Record, found: list[_Verdict]
    ) -> None:
        value = record.value or b""
        text = str(orjson.loads(value)["text"]) if self.has_edits else value.decode()
        for each in found:
            self.finding.events["audited"] += each.is_audited
            wrong = journal.misdrawn(each.headers, text, topic_id, record.position)
            if wrong is not None:
                self.finding.misdrawn.append(wrong)

    def _reckon_change(
        self, name: str, record: Record, found: list[_Verdict], log: list[Record]
    ) -> None:
        """Deletions are passed on unjudged; only what something came behind of is overtaken."""
        said = orjson.loads(record.value or b"")
        causes = {each.headers.get("safeguard-cause") for each in found}
        # What does not fit its topic is a dead letter, whatever it is.
        if None not in causes and (said["type"] == "deleted") != (b"deleted" in causes):
            self.finding.misjudged.append(f"{name}: {said['type']}, {causes}")
        if b"overtaken" in causes:
            self.finding.events["overtaken"] += 1
            later = (orjson.loads(r.value or b"") for r in log[record.position.offset + 1 :])
            if said["type"] != "edited" or all(other["id"] != said["id"] for other in later):
                self.finding.misjudged.append(f"{name}: overtaken by nothing")
        for each in found:
            if each.headers.get("safeguard-cause") == b"overtaken" and each.outcome != "block":
                self.finding.misjudged.append(f"{name}: overtaken, and {each.outcome}")


def _is_late(earlier: _Verdict, later: _Verdict) -> bool:
    """Whether the verdict on the earlier record shows after that on the later one."""
    if earlier.topic_id == later.topic_id:
        return earlier.offset > later.offset
    return earlier.stored_s > later.stored_s


def simulate(seed: int) -> Finding:
    """Run one seed."""
    return World(seed).run()
