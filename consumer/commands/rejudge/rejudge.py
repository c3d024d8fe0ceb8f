"""
The command `rejudge`: messages that no model judged get the verdict they would get today.

Those that could not be judged; or those that had another message's verdict, which a person has
overturned since.

The verdict that a message has stays where it is; the new one names it and replaces it. What is
stored is found by the next run, so a run that was cut short is simply started again. Of runs for
one input that are started at once one works and the others wait for it, and what replaces a verdict
under the same policies has the same id, whichever run it comes from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import NamedTuple

from rich.console import Console
from rich.progress import Progress

from consumer.classifier.probing.probe import Probers
from consumer.commands.dead_letters.selection import Selection
from consumer.commands.rejudge.replay import in_rounds
from consumer.commands.rejudge.site import InputSite
from consumer.commands.rejudge.summary import Summary
from consumer.commands.terminal import bars, tell
from consumer.domain.binding import Binding
from consumer.domain.choose import choose
from consumer.domain.counted import counted
from consumer.domain.lane import Lane
from consumer.domain.messages.message import Record
from consumer.domain.verdicts.verdict import Cause, UnjudgedReason
from consumer.errors import PublishFailed, Retryable
from consumer.kafka.cluster.turn import Turn, TurnLost
from consumer.kafka.config import KafkaConfig
from consumer.kafka.sink.writer import TopicWriter
from consumer.pipeline.dead_letters import DeadLetterEncoder
from consumer.pipeline.process import Processor
from consumer.pipeline.publisher import Publisher
from consumer.pipeline.rejudging import Rejudger
from consumer.pipeline.superseding import Superseder, Superseding
from consumer.registry.load import binding_of, load_catalogue
from consumer.screening.screener import Screener
from consumer.settings.settings import Settings
from consumer.telemetry.clock import SystemClock
from consumer.telemetry.telemetry import Telemetry
from consumer.worker.wiring import (
    build_classifier,
    build_fleet,
    build_probers,
    kafka_config,
    worker_name,
)

BATCH = 200
"""Records held in memory at once; what is beyond comes in the next batch."""
PATIENCE_S = 30.0
"""
An endpoint that has answered nothing for so long is not waited for: somebody sits before the
command, and the next run goes on where this one ended.
"""
RETRY_S = 1.0
"""How soon an endpoint that is out is asked again, until PATIENCE_S has passed."""


class RejudgeRequest(NamedTuple):
    """What to judge again, as asked for on the command line."""

    topic: str
    selection: Selection = Selection()
    dry_run: bool = False
    shared: str | None = None
    """The id of a verdict: what has its verdict from it is meant, and not what is unjudged."""


async def rejudge_topic(settings: Settings, request: RejudgeRequest, *, as_json: bool) -> int:
    """Print what became of the verdicts; 0 where none that was meant stays as it was."""
    with bars(Console(stderr=True)) as progress:
        summary = await rejudge(settings, request, progress)
    tell(summary.fields, summary.lines(SystemClock().wall_ms()), as_json=as_json)
    return 0 if summary.is_clean else 1


async def rejudge(settings: Settings, request: RejudgeRequest, progress: Progress) -> Summary:
    """
    Find the verdicts that are meant, judge their messages and publish what replaces them.

    Raises:
        InvalidSettings: no policy binds the topic.
        TopicsMissing: the input or one of its outputs does not exist, or lacks partitions.
        EndpointRefused: key, model or path are wrong.
        PublishFailed: a verdict could not be stored; those before it are.
        Retryable: the brokers or the endpoint cannot be reached.
    """
    catalogue = load_catalogue(settings.policies.folder)
    binding = binding_of(catalogue, request.topic)
    source = binding.origin_of(request.topic)
    summary = Summary(source, choose(binding).digest, request.dry_run, request.shared)
    config = kafka_config(settings.kafka)
    site = await asyncio.to_thread(InputSite, settings, config, catalogue, binding, source)
    if request.dry_run:
        await _look(site, request, summary, progress)
        return summary
    turn = Turn(config, source, site.partitions)
    try:
        while True:
            await asyncio.to_thread(turn.take, progress.console.print)
            # Only now: the run before may have judged what we would have found.
            await _look(site, request, summary, progress)
            try:
                if summary.chosen:
                    await _supersede(settings, config, site, summary, progress, turn)
            except TurnLost as lost:
                progress.console.print(str(lost))
            else:
                return summary
    finally:
        await asyncio.to_thread(turn.close)


async def _look(
    site: InputSite, request: RejudgeRequest, summary: Summary, progress: Progress
) -> None:
    """Find what is open now, and choose of it."""
    selection = request.selection
    finder = await asyncio.to_thread(site.find, progress, request.shared)
    found = finder.open(selection)
    limit = selection.limit - summary.superseded.total() if selection.limit else len(found)
    summary.look_anew(found[:limit], len(found[limit:]), finder.earlier)


async def _supersede(
    settings: Settings,
    config: KafkaConfig,
    site: InputSite,
    summary: Summary,
    progress: Progress,
    turn: Turn,
) -> None:
    telemetry, group = Telemetry(), settings.kafka.group
    clock = telemetry.clock
    limits = await asyncio.to_thread(site.bytes_max) if settings.kafka.topic_ids else {}
    encoder = DeadLetterEncoder(group, worker_name())
    publisher = Publisher(group, encoder, settings.kafka.message_bytes_max, limits)
    fleet = build_fleet(settings.inference, telemetry)
    try:
        await _probe(build_probers(settings.inference, fleet, clock))
        classifier = build_classifier(settings.inference, fleet, telemetry)
        rejudger = Rejudger(Processor(classifier, publisher, clock, group, Screener(clock)), clock)
        superseder = Superseder(publisher, Cause.REPLAY, summary.run)
        # Behind the live traffic, where the server knows priorities.
        binding = replace(site.binding, lane=Lane.REPLAY)
        places = asyncio.Semaphore(settings.inference.calls_max)
        smallest = min([config.batch_bytes_max, *limits.values()])
        writer = TopicWriter(config._replace(batch_bytes_max=smallest))
        bounds = await asyncio.to_thread(site.bounds)
        # In the order of the positions, which is the order that a key's verdicts keep.
        ordered = sorted(summary.chosen, key=lambda verdict: verdict.position)
        task = progress.add_task("judged", total=len(ordered))

        began_s = clock.now_s()

        def is_patient() -> bool:
            return clock.now_s() - max(began_s, fleet.last_judgement_s) < PATIENCE_S

        async def judge(record: Record, superseded: str) -> Superseding | str:
            async with places:
                found = await rejudger.judge(record, binding)
                while found == UnjudgedReason.OUTAGE and is_patient():
                    await asyncio.sleep(RETRY_S)
                    found = await rejudger.judge(record, binding)
            progress.advance(task)
            if isinstance(found, str):
                return found
            return superseder.supersede(record, binding, found, superseded)

        for start in range(0, len(ordered), BATCH):
            batch = ordered[start : start + BATCH]
            records = await asyncio.to_thread(site.fetch, batch, bounds)
            there = [verdict for verdict in batch if verdict.position in records]
            summary.gone += len(batch) - len(there)
            progress.advance(task, len(batch) - len(there))
            results = await asyncio.gather(*(judge(records[v.position], v.id) for v in there))
            summary.unjudged.update(result for result in results if isinstance(result, str))
            new = [result for result in results if isinstance(result, Superseding)]
            await asyncio.to_thread(_publish, writer, site.binding, new, summary, turn.held)
    finally:
        await fleet.close()


async def _probe(probers: Probers) -> None:
    """See that an endpoint answers; one that fails may be on its way back."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + PATIENCE_S
    while True:
        try:
            await probers.probe_first()
        except Retryable:
            if loop.time() > until_s:
                raise
            await asyncio.sleep(RETRY_S)
        else:
            return


def _publish(
    writer: TopicWriter,
    binding: Binding,
    new: Sequence[Superseding],
    summary: Summary,
    held: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> None:
    """Store a batch and count it, while it is our turn; blocking."""
    publications = [superseding.publication for superseding in new]
    outcomes = {id(superseding.publication): superseding.outcome for superseding in new}
    for publishing in in_rounds(publications, is_ordered=binding.order == "key"):
        with held():
            faults = writer.write(publishing)
        failed = {p.topic: fault for p, fault in zip(publishing, faults, strict=True) if fault}
        if failed:
            said = "; ".join(f"{topic}: {fault}" for topic, fault in sorted(failed.items()))
            raise PublishFailed(
                f"superseding verdicts could not be stored on {said}. Those of "
                f"{counted(summary.superseded.total(), 'message')} were stored before, perhaps a "
                "few more. Check the topic and the right to write it, then run the same command "
                "again: what was stored is found and left out"
            )
        summary.superseded.update(outcomes[id(publication)] for publication in publishing)
