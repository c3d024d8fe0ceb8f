"""The command `classify`: one text under the live policies of a topic, without Kafka."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

from msgspec.structs import asdict
from rich.console import Console
from rich.markup import escape

from consumer.classifier.hearsay import label_given, told
from consumer.commands.dead_letters.letter import printable
from consumer.commands.diff import version_of
from consumer.commands.earlier import Earlier, language_of, said_before
from consumer.commands.terminal import tell
from consumer.domain.binding import Binding
from consumer.domain.choose import choose
from consumer.domain.counted import counted
from consumer.domain.messages.blank import is_blank
from consumer.domain.verdicts.decision import decide
from consumer.domain.verdicts.judged import Heard, Judged
from consumer.domain.verdicts.verdict import Cause, Judgement, UnjudgedReason
from consumer.interfaces import Clock
from consumer.registry.load import binding_of, load_catalogue
from consumer.screening.first_stages import settled
from consumer.screening.lists import Hit
from consumer.screening.screener import Screener
from consumer.settings.settings import Settings
from consumer.telemetry.clock import SystemClock
from consumer.telemetry.telemetry import Telemetry
from consumer.worker.wiring import build_classifier, build_fleet, build_probers


async def classify_text(
    settings: Settings, text: str, topic: str, *, version: str | None = None, as_json: bool
) -> int:
    """
    Judge one text and print what came of it; what is waited for is said on stderr.

    `version` is v1, v2 and so on; the live one by default. A text of which nothing can be seen gets
    what its topic says of those, one that a list settles what the list says, and nobody is asked.
    What a filter or a decision endpoint would make of it is said beside what the model says. What a
    worker remembers of other messages it alone knows.

    Raises:
        InvalidSettings: no policy binds the topic, or there is no such version.
    """
    catalogue = load_catalogue(settings.policies.folder)
    binding = binding_of(catalogue, topic)
    if version is not None:
        # Whatever is shown of it names the version that judged.
        binding = replace(binding, live=version_of(catalogue, version, binding.set_name))
    if is_blank(text):
        return _tell_blank(binding, as_json=as_json)
    hit = Screener(SystemClock()).hit(text, binding)
    if hit is not None:
        return _tell_hit(hit, binding, as_json=as_json)
    earlier = await said_before(settings, text, binding)
    return await _classify(settings, text, binding, earlier, as_json=as_json)


def _tell_hit(hit: Hit, binding: Binding, *, as_json: bool) -> int:
    """What becomes of a message that one of the topic's lists settles; no model is asked."""
    found, line = hit
    entry = next(entry.text for entry in found.entries if entry.line == line)
    outcome, cause, _ = decide(settled(Cause.LIST, found.outcome, None, found.digest), binding)
    fields = {
        "outcome": outcome,
        "cause": cause,
        "policy_version": choose(binding).id,
        "screening": {"stage": cause, "artefact": found.digest},
        "list": {"file": found.file, "line": line, "entry": entry},
    }
    lines = [
        f"{outcome.value.upper()}  by a list of {binding.set_name}, and no model is asked",
        f"  lists/{found.file}:{line}: {printable(entry.encode())} ({found.match})",
    ]
    tell(fields, lines, as_json=as_json)
    return 0


def _tell_blank(binding: Binding, *, as_json: bool) -> int:
    """What becomes of a record whose text nobody can see, by `when_empty` of its topic."""
    fate = binding.reading.when_empty
    fields = {"outcome": fate, "cause": "skipped", "policy_version": choose(binding).id}
    lines = [f"{fate.upper()}  nothing of the text can be seen: when_empty = {fate}"]
    tell(fields, lines, as_json=as_json)
    return 0


async def _classify(
    settings: Settings, text: str, binding: Binding, earlier: Sequence[Earlier], *, as_json: bool
) -> int:
    version = choose(binding)
    telemetry = Telemetry()
    clock = telemetry.clock
    fleet = build_fleet(settings.inference, telemetry)
    whom = ", ".join(f"{each.name} ({each.format.model})" for each in fleet.endpoints)
    try:
        with Wait(Console(stderr=True), whom, clock) as wait:
            # A person is waiting: endpoints that are out are told at once, as an error.
            wait.now("finding out what it can do")
            await build_probers(settings.inference, fleet, clock).probe_first()
            classifier = build_classifier(settings.inference, fleet, telemetry)
            classifier.listener = wait.heard
            limit_s = binding.deadline_s
            policies = counted(len(version.policies), "policy", "policies")
            wait.now(f"judging under {policies}, {_limit(limit_s)}")
            judged = await classifier.classify(
                text,
                version,
                replace(binding, on_outage="unjudged"),
                clock.now_s() + limit_s if limit_s else None,
            )
    finally:
        await fleet.close()
    fields = _fields(judged, binding) | {"earlier": [each._asdict() for each in earlier]}
    lines = [*_lines(judged, binding), *(f"  {each.line}" for each in earlier)]
    language = language_of(text, binding)
    if language is not None:
        fields["language_guess"] = language
        lines.append(f"  looks to be written in: {language}")
    tell(fields, lines, as_json=as_json)
    return 0


class Wait:
    """Says on stderr what is waited for, and each call that gave no judgement as it ends."""

    def __init__(self, console: Console, whom: str, clock: Clock) -> None:
        self._console = console
        self._status = console.status("") if console.is_terminal else None
        self._whom = whom
        self._clock = clock
        self._started_s = clock.now_s()

    def __enter__(self) -> Self:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def now(self, what: str) -> None:
        """What is waited for from now on."""
        line = f"waiting for {self._whom}: {what}"
        if self._status is None:
            self._say(line)
        else:
            self._status.update(escape(line))

    def heard(self, heard: Heard) -> None:
        if heard.fault:
            passed_s = self._clock.now_s() - self._started_s
            self._say(f"after {passed_s:.1f} s, {heard.policy}: {shown(heard)}")

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def shown(heard: Heard) -> str:
    """A fault for a terminal, which must not obey what a model says."""
    return printable(told(heard).encode())


def _limit(limit_s: float) -> str:
    return f"for {limit_s:g} s at most" if limit_s else "however long it takes"


def _fields(judged: Judged, binding: Binding) -> dict[str, object]:
    outcome, cause, reason = decide(judged, binding)
    return {
        "outcome": outcome,
        "cause": cause,
        "unjudged_reason": reason,
        "policy_version": choose(binding).id,
        "judgements": [_judgement_fields(judgement) for judgement in judged.judgements],
        "model": judged.model,
        "answers": [_answer_fields(heard) for heard in judged.heard],
    }


def _lines(judged: Judged, binding: Binding) -> Iterator[str]:
    outcome, _, reason = decide(judged, binding)
    yield f"{outcome.value.upper()}  under {choose(binding).id}, by {judged.model}"
    for judgement in judged.judgements:
        rules = f" ({', '.join(judgement.rules)})" if judgement.rules else ""
        yield f"  {judgement.policy}: {judgement.label} -> {judgement.outcome.value}{rules}"
        if judgement.rationale:
            yield f"      {printable(judgement.rationale.encode())}"
        for line in _doubts(judgement):
            yield f"      {line}"
    for heard in last_of_each(judged):
        if heard.fault:
            yield f"  {heard.policy}: no judgement, {shown(heard)}"
    if reason is not None:
        more = ", and a refusal is flagged at least" if reason is UnjudgedReason.REFUSED else ""
        yield f"  not judged: {reason.value}; on_unjudged = {binding.on_unjudged.value}{more}"


def last_of_each(judged: Judged) -> Sequence[Heard]:
    """How the last call under each policy ended."""
    return list({heard.policy: heard for heard in judged.heard}.values())


def _answer_fields(heard: Heard) -> dict[str, object]:
    return {
        "policy": heard.policy,
        "fault": heard.fault or None,
        "label": label_given(heard.answer),
        "answer": heard.answer,
    }


def _judgement_fields(judgement: Judgement) -> dict[str, object]:
    certainty, second_look = judgement.certainty, judgement.second_look
    return asdict(judgement) | {
        "tokens": judgement.tokens._asdict(),
        "certainty": None if certainty is None else certainty._asdict(),
        "second_look": None if second_look is None else second_look._asdict(),
    }


def _doubts(judgement: Judgement) -> list[str]:
    """How sure the judgement is, in words."""
    lines: list[str] = []
    if judgement.certainty is not None:
        score, is_calibrated, signs = judgement.certainty
        rests_on = ", ".join(signs) or "the average of public logs"
        known = "" if is_calibrated else " (not calibrated)"
        lines.append(f"certainty {score:.2f}{known}, rests on: {rests_on}")
    if judgement.second_look is not None:
        how, agreed, labels = judgement.second_look
        found = "agreed" if agreed else "disagreed"
        lines.append(f"second look by {how.value} {found}: {', '.join(labels)}")
    return lines
