"""The command `prefilter train`: a filter from a topic's own verdicts, with what it is worth."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from consumer.commands.dead_letters.selection import moment_ms
from consumer.commands.place import check_place
from consumer.commands.policy import version_named
from consumer.commands.prefilter.answers import Maker
from consumer.commands.prefilter.facts import facts_of, lines_of
from consumer.commands.prefilter.traffic import JudgedTraffic, TopicTraffic
from consumer.commands.terminal import bars, tell
from consumer.domain.policy import PolicyVersion
from consumer.domain.verdicts.headers import rfc3339
from consumer.errors import InvalidSettings
from consumer.registry.load import binding_of, load_catalogue
from consumer.screening.prefilter.artefact import FilterArtefact, write_artefact
from consumer.screening.prefilter.recall import Shortage, shortage
from consumer.screening.prefilter.train import CERTIFYING_SHARE, POSITIVES_MIN, Purpose, train
from consumer.settings.settings import Settings
from consumer.telemetry.clock import SystemClock


class TrainRequest(NamedTuple):
    """What to train, as asked for on the command line."""

    topic: str
    recall: float
    out: Path | None = None
    version: str | None = None
    """`topic@v2`; the live one by default."""
    since: str | None = None
    alpha: float = 0.05


def train_filter(settings: Settings, request: TrainRequest, *, as_json: bool) -> int:
    """Write the filter and print what was shown of it; 0 where the recall was shown."""
    if not 0.5 <= request.recall <= 0.999:
        raise InvalidSettings(f"--recall {request.recall:g}: give 0.5 to 0.999")
    if not 0.0001 <= request.alpha <= 0.5:
        raise InvalidSettings(f"--alpha {request.alpha:g}: give 0.0001 to 0.5")
    catalogue = load_catalogue(settings.policies.folder)
    binding = binding_of(catalogue, request.topic)
    version = version_named(catalogue, request.version) if request.version else binding.live
    file = request.out or Path(f"{version.id.replace('/', '_')}.prefilter")
    check_place("--out", file)
    now_ms = SystemClock().wall_ms()
    since_ms = None if request.since is None else moment_ms(request.since, now_ms, "--since")
    traffic = TopicTraffic(settings, binding, request.topic, version)
    with bars(Console(stderr=True)) as progress:
        judged = traffic.read(progress, since_ms)
    lacking = _lacking(judged, request)
    maker = _maker(judged, version, lacking)
    purpose = Purpose(
        topic=request.topic,
        version=version.id,
        version_digest=version.digest,
        model=maker.model,
        template=maker.template,
        made_at=rfc3339(now_ms),
        recall=request.recall,
        alpha=request.alpha,
    )
    artefact = train(judged.examples, purpose)
    write_artefact(file, artefact)
    _tell(artefact, file, lacking, as_json=as_json)
    return 0 if artefact.head.has_evidence else 1


def _maker(judged: JudgedTraffic, version: PolicyVersion, lacking: Shortage | None) -> Maker:
    positives = sum(example.is_positive for example in judged.examples)
    if judged.maker is None or positives < POSITIVES_MIN:
        more = "" if lacking is None else f". {said_of(lacking)}"
        raise InvalidSettings(
            f"there is too little to learn from: {len(judged.examples)} messages that the model "
            f"judged under {version.id}, {positives} of them positive{more}"
        )
    return judged.maker


def _lacking(judged: JudgedTraffic, request: TrainRequest) -> Shortage | None:
    """What is lacking to show the recall, if none is missed."""
    examples = judged.examples
    positives = sum(example.is_positive for example in examples)
    weight = sum(example.weight for example in examples)
    return shortage(
        int(positives * CERTIFYING_SHARE),
        request.recall,
        request.alpha,
        prevalence=sum(e.weight for e in examples if e.is_positive) / weight if weight else 0.0,
        share=CERTIFYING_SHARE,
        rate=judged.rate,
    )


def said_of(lacking: Shortage) -> str:
    """In words: how many, and how long that takes."""
    if math.isinf(lacking.seconds):
        return (
            f"{lacking.positives} more positives are needed to certify, and nothing says how long "
            "that takes"
        )
    return (
        f"{lacking.positives} more positives are needed to certify: about {lacking.messages:,.0f} "
        f"messages, {duration(lacking.seconds)} at this topic's rate"
    )


def duration(seconds: float) -> str:
    """To one unit that a person thinks in."""
    for unit, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:,.0f} {name}"
    return f"{seconds:,.0f} seconds"


def _tell(artefact: FilterArtefact, file: Path, lacking: Shortage | None, *, as_json: bool) -> None:
    fields: dict[str, object] = {"file": os.fspath(file), **facts_of(artefact)}
    lines = [f"written: {file}", *lines_of(artefact)]
    if not artefact.head.has_evidence:
        lines.append("Without evidence for its recall a worker refuses this filter.")
        if lacking is not None:
            fields["lacking"] = lacking._asdict() | {
                name: None for name in ("messages", "seconds") if math.isinf(getattr(lacking, name))
            }
            lines.append(f"{said_of(lacking)}.")
    tell(fields, lines, as_json=as_json)
