"""
Filters: the stages that topics name by a file, each for one version, and whether it may be used.

A file that is broken, without evidence or without its salt refuses the policies that name it. One
for another version, model or prompt is left out, and said. None settles anything until whoever
reads the notes has read all of them, nor while they cannot be read or written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import structlog

from consumer.domain.binding import Binding, Catalogue
from consumer.domain.screening import FilterTerms
from consumer.domain.verdicts.verdict import Cause
from consumer.errors import Flaw, InvalidPolicy, InvalidSettings
from consumer.interfaces import Decider
from consumer.screening.audited import AuditedStage, Filtered, NotSettledFor, Voice
from consumer.screening.audits.salt import read_salt
from consumer.screening.audits.terms import AuditTerms
from consumer.screening.audits.watch import FilterWatch
from consumer.screening.decision import artefact as decision
from consumer.screening.decision.artefact import DecisionArtefact, DecisionHead
from consumer.screening.decision.deciding import Deciding, open_deciding
from consumer.screening.decision.statements import statements_of
from consumer.screening.filtering import Filtering, open_filtering
from consumer.screening.prefilter.artefact import FilterArtefact, mismatch, read_artefact
from consumer.screening.prefilter.head import FilterHead
from consumer.screening.watched import PostNote
from consumer.telemetry.metrics import Metrics

log = structlog.get_logger()

REPLACED = "other policies are in force"
UNWRITABLE = "the notes of its audits cannot be written"
STAGES = (Cause.PREFILTER, Cause.DECISION)
"""In the order in which a message meets them."""


SETTLED = "settled"
RESULTS: Mapping[NotSettledFor | None, str] = {
    "score": "asked",
    "refusal": "refused",
    "no answer": "error",
}
"""What came of a call to the decision endpoint that did not settle the message."""


class NamedFilter(NamedTuple):
    """A stage that a topic names a file for, under the policies in force."""

    binding: Binding
    filtering: AuditedStage | None
    """None where it was made for another version."""
    problem: str | None
    """Why it is left out."""


class Filters:
    """Those of all policy sets, for one worker."""

    def __init__(self, decider: Decider | None = None, metrics: Metrics | None = None) -> None:
        """
        Without `decider` there is no decision endpoint, and no stage that asks one is on. What it
        was asked and said is counted in `metrics`.
        """
        self._decider = decider
        self.metrics = metrics
        self._named: Mapping[tuple[str, Cause], NamedFilter] = {}
        """By policy set and stage."""
        self._unwritable: str | None = None
        self._voice: tuple[Sequence[str], Callable[[Binding], str]] | None = None
        self.post: PostNote | None = None
        """Set by whoever writes notes; without one nothing is settled."""

    def __repr__(self) -> str:
        return f"<Filters {self.standing()}>"

    def prepare(self, catalogue: Catalogue) -> None:
        """
        Read the files of these policies, in whichever thread.

        Raises:
            InvalidPolicy: one cannot be used whatever version is live.
        """
        before = self._named
        named, flaws = {}, []
        for binding in catalogue.bindings:
            for stage in stages_of(binding):
                key = binding.set_name, stage
                try:
                    found = named_filter(binding, stage, self._decider, before.get(key))
                except InvalidSettings as error:
                    file = f"{binding.set_name}/topic.toml"
                    flaws.append(Flaw(file, 1, f"[screening.{stage.value}] {error}"))
                    continue
                named[key] = found
                if found.problem is not None:
                    log.warning("a filter is left out", set=shown(*key), why=found.problem)
        if flaws:
            raise InvalidPolicy(tuple(flaws))
        self._named = named
        kept = self.in_use()
        for each in before.values():
            if each.filtering is not None and each.filtering not in kept:
                # What was taken under the last policies may still ask it, and nobody watches it.
                each.filtering.barred = REPLACED
        self._bar()

    def of(self, binding: Binding) -> Filtering | None:
        """The learned filter for the messages of a binding; it is for one version alone."""
        found = self._of(binding, Cause.PREFILTER)
        return found if isinstance(found, Filtering) else None

    def deciding_of(self, binding: Binding) -> Deciding | None:
        """The same for the decision endpoint."""
        found = self._of(binding, Cause.DECISION)
        return found if isinstance(found, Deciding) else None

    def _of(self, binding: Binding, stage: Cause) -> AuditedStage | None:
        named = self._named.get((binding.set_name, stage))
        if named is None or named.binding is not binding or self.post is None:
            return None
        return named.filtering

    def asked(self, deciding: Deciding, found: Filtered, seconds: float) -> None:
        """Count what came of asking the decision endpoint; nothing where it was not asked."""
        if found.action == "ask" and found.asked_for not in RESULTS:
            return
        if self.metrics is not None:
            result = RESULTS.get(found.asked_for, SETTLED)
            self.metrics.decision_calls.labels(deciding.head.version, result).inc()
            self.metrics.decision_seconds.observe(seconds)

    def in_use(self) -> list[AuditedStage]:
        """Those whose notes are to be read."""
        return [each.filtering for each in self._named.values() if each.filtering is not None]

    def standing(self) -> dict[str, str | None]:
        """By policy set and stage: why it settles nothing; None where it does. From any thread."""
        return {
            shown(*key): each.problem if each.filtering is None else each.filtering.off
            for key, each in self._named.items()
        }

    def watches(self) -> dict[str, FilterWatch]:
        """Of those whose notes were all read, under the names of `standing`."""
        return {
            shown(*key): each.filtering.watch
            for key, each in self._named.items()
            if each.filtering is not None and each.filtering.unread is None
        }

    def heed_notes(self, filterings: Sequence[AuditedStage], unread: str | None) -> None:
        """Whether all notes of these were read: why not, or None where they were."""
        for filtering in filterings:
            filtering.unread = unread
        self._bar()

    def heed_writing(self, *, is_possible: bool) -> None:
        """Whether notes can be written now."""
        self._unwritable = None if is_possible else UNWRITABLE
        self._bar()

    def heed_voice(self, models: Sequence[str], template: Callable[[Binding], str]) -> None:
        """Which models answer, and the name of the prompt's shape for a topic at all of them."""
        self._voice = (models, template)
        self._bar()

    def _bar(self) -> None:
        for binding, filtering, _ in self._named.values():
            if filtering is not None:
                filtering.barred = (
                    filtering.unread or self._unwritable or filtering.unlike(self._spoken(binding))
                )

    def _spoken(self, binding: Binding) -> Voice | None:
        if self._voice is None:
            return None
        models, template = self._voice
        return Voice(",".join(models), template(binding))


def shown(set_name: str, stage: Cause) -> str:
    """The name of a stage in logs, gauges and `/readyz`: a learned filter has its set's."""
    return set_name if stage is Cause.PREFILTER else f"{set_name} {stage.value}"


def terms_of(binding: Binding, stage: Cause) -> FilterTerms | None:
    """What a topic says of a stage."""
    screening = binding.screening
    return screening.prefilter if stage is Cause.PREFILTER else screening.decision


def seen_min(binding: Binding, stage: Cause) -> float:
    """The least share of what a stage does not settle that the model is asked about."""
    later = binding.screening.decision if stage is Cause.PREFILTER else None
    return 1.0 if later is None else later.floor


def stages_of(binding: Binding) -> list[Cause]:
    """The stages that a topic names a file for."""
    return [stage for stage in STAGES if terms_of(binding, stage) is not None]


def named_filter(
    binding: Binding,
    stage: Cause = Cause.PREFILTER,
    decider: Decider | None = None,
    before: NamedFilter | None = None,
) -> NamedFilter:
    """
    The stage that a topic names a file for; `before` is the one of the last policies in force.

    Raises:
        InvalidSettings: it is broken, without evidence, for a lower recall, or without its salt.
    """
    kept = None if before is None else _kept(before, binding, stage)
    filtering = kept or _opened(binding, stage, decider)
    assert isinstance(filtering, Filtering | Deciding)
    problem = _mismatch(binding, filtering.head)
    if problem is not None:
        problem = f"{problem}. {_burden(filtering.settled_share)}"
    return NamedFilter(binding, filtering if problem is None else None, problem)


def _kept(before: NamedFilter, binding: Binding, stage: Cause) -> AuditedStage | None:
    """The stage as it was, where nothing that it was made of is another one by now."""
    filtering, terms = before.filtering, terms_of(binding, stage)
    if filtering is None or terms is None or terms_of(before.binding, stage) != terms:
        return None
    if seen_min(before.binding, stage) != seen_min(binding, stage):
        return None
    # Whoever starts now draws by the salt that lies there, and all workers are to draw alike.
    return filtering if read_salt(Path(terms.salt_file)) == filtering.salt else None


def _burden(settled_share: float) -> str:
    """What falls to the model where a stage that settled so much is left out."""
    if settled_share >= 1.0:
        return "Until then the model must carry everything"
    times = 1.0 / (1.0 - settled_share)
    return f"Until then the model must carry all messages, {times:.1f} times what this left it"


def named_digest(binding: Binding, stage: Cause) -> str:
    """
    The digest of the file that a topic names for a stage, for whoever may not read the salt.

    Raises:
        InvalidSettings: it is broken, or made for another version.
    """
    found = _read(binding, stage)
    problem = _mismatch(binding, found.head)
    if problem is not None:
        raise InvalidSettings(problem)
    return found.digest


def _mismatch(binding: Binding, head: FilterHead | DecisionHead) -> str | None:
    live = binding.live
    if isinstance(head, DecisionHead):
        return decision.mismatch(head, live.digest, statements_of(live))
    return mismatch(head, live.digest, head.model, head.template)


def _read(binding: Binding, stage: Cause) -> FilterArtefact | DecisionArtefact:
    terms = terms_of(binding, stage)
    assert terms is not None
    file = Path(terms.file)
    found = decision.read_decision(file) if stage is Cause.DECISION else read_artefact(file)
    if found.digest != terms.digest:
        raise InvalidSettings(f"{terms.file} changed while it was read: let it come to rest")
    return found


def _opened(binding: Binding, stage: Cause, decider: Decider | None) -> AuditedStage:
    terms = terms_of(binding, stage)
    assert terms is not None
    file, salt_file = Path(terms.file), Path(terms.salt_file)
    demanded = AuditTerms(
        recall=terms.recall,
        alpha=terms.alpha,
        floor=terms.floor,
        near=terms.near,
        run_length=terms.run_length,
        seen_min=seen_min(binding, stage),
    )
    found = _read(binding, stage)
    if isinstance(found, DecisionArtefact):
        return open_deciding(found, file, salt_file, demanded, decider)
    return open_filtering(found, file, salt_file, demanded)
