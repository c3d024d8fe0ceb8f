"""
One examination of an endpoint: a handful of small questions, and what the answers tell.

It changes nothing but its own copy of the request's format; `probe` says when one is made and what
becomes of it. About five requests, one at a time, past the call slots.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from consumer.classifier.parser import Fault, Reading, Repair
from consumer.classifier.probing.capabilities import Capabilities, LongPrompts
from consumer.classifier.probing.known_texts import (
    LONG_TEXT,
    LONG_WORDS,
    MARKER_PAIRS,
    MARKERS,
    NO_MARKERS,
    PROBE_BAD,
    PROBE_GOOD,
)
from consumer.classifier.probing.questions import (
    ATTEMPTS_MAX,
    ProbePlan,
    Questions,
    is_refusal,
    varied,
)
from consumer.errors import InferenceTimeout, ModelFault
from consumer.inference.blame.blame import error_for
from consumer.inference.blame.failures import Declined, PromptTooLong, Refused, UnknownParameter
from consumer.inference.fleet.endpoint import Contact
from consumer.inference.profiles import PROFILES, Api, PriorityOrder, Profile
from consumer.inference.recognition import models_in, recognise
from consumer.inference.wires.format import SCHEMA_BOUNDS, RequestFormat


class Examination:
    """Finds out what `format` may hold here; `run` it once."""

    def __init__(self, contact: Contact, wanted: RequestFormat, plan: ProbePlan) -> None:
        self.format = wanted
        """Shrinks to what the endpoint takes."""
        self.left_out: dict[str, str] = {}
        """Field -> why it is not sent."""
        self.has_judgement = False
        """Whether any answer held a judgement."""
        self._has_logprobs: bool | None = None
        self._contact = contact
        self._plan = plan
        self._questions = Questions(contact.transport, plan.timeout_s)

    def __repr__(self) -> str:
        left_out = ", ".join(self.left_out) or "nothing"
        return f"<Examination of {self._contact.address}, left out: {left_out}>"

    async def run(self) -> Capabilities:
        """
        Ask, and tell.

        Raises:
            Retryable: it cannot be reached, or has nothing to do with us (Declined).
        """
        reply = await self._contact.transport.get("/models", self._plan.timeout_s)
        if reply.status in (401, 403):
            raise error_for(reply)
        profile = PROFILES.get(self._plan.profile) or await recognise(
            self._contact.address, reply.body, self._contact.transport, self._plan.timeout_s
        )
        self._suit(profile)
        bad = await self._judge(PROBE_BAD)
        good = await self._judge(PROBE_GOOD, self._beside(profile))
        if not isinstance(good, Reading):
            # It was never accepted.
            self._leave_out(PRIORITY, "refused")
        models = tuple(str(model["id"]) for model in models_in(reply.body) if "id" in model)
        readings = [found for found in (bad, good) if isinstance(found, Reading)]
        self.has_judgement = bool(readings)
        return Capabilities(
            profile=profile.name,
            api=self.format.api,
            models=models,
            has_model=not models or self.format.model in models,
            label_for_bad=bad.judgement.label if isinstance(bad, Reading) else bad,
            label_for_good=good.judgement.label if isinstance(good, Reading) else good,
            has_schema=self.format.with_schema,
            obeys_schema=_are_bare(readings) if self.format.with_schema and readings else None,
            has_reasoning=any(found.judgement.reasoning for found in readings),
            has_effort=self.format.with_effort,
            has_priority=self.format.with_priority,
            has_logprobs=self._has_logprobs,
            has_cached_tokens=_counts_cached(readings),
            long_prompts=await self._long_prompts(profile),
            reads_markers=await self._reads_markers(profile),
            left_out=tuple(self.left_out),
            has_bounds=self.format.with_schema and self.format.with_bounds,
        )

    def _suit(self, profile: Profile) -> None:
        self.format = replace(self.format, profile=profile, api=self._plan.api or profile.api)
        if self.format.with_schema and not profile.with_schema:
            self._leave_out(SCHEMA, f"{profile.title} answers worse with it")

    def _leave_out(self, field: str, why: str) -> bool:
        """Whether there was something to leave out."""
        shorter = self.format.without(field)
        if shorter == self.format:
            return False
        self.format = shorter
        if field == SCHEMA:
            self.left_out.pop(SCHEMA_BOUNDS, None)
        self.left_out[field] = why
        return True

    def _beside(self, profile: Profile) -> list[str]:
        """What is found out beside a judgement: whether these fields are taken as well."""
        beside: list[str] = []
        if profile.priority is not PriorityOrder.UNKNOWN:
            # Only where we know how it would be read.
            self.format = replace(self.format, with_priority=True)
            beside.append(PRIORITY)
        self._has_logprobs = profile.has_logprobs
        if profile.has_logprobs is not False:
            beside.append(LOGPROBS)
        return beside

    async def _judge(self, text: str, beside: Sequence[str] = ()) -> Reading | str:
        """
        A judgement of a known text, or why there is none.

        A schema is left out where two answers with it were faulty and one without it is not: a
        single fault happens to every server now and then. Its bounds are left out before it is.
        What is asked `beside` goes before either, the last of it first.
        """
        beside = list(beside)
        fault, doubts, attempt = "refused", 0, 0
        while attempt < ATTEMPTS_MAX:
            format = varied(self.format, attempt, was_truncated=fault == Fault.TRUNCATED)
            trial = self._part_of_schema(bounds=doubts == 2) if doubts >= 2 else None
            if trial is not None:
                format = format.without(trial)
            try:
                fields = _LOGPROBS[format.api] if LOGPROBS in beside else {}
                reading, body = await self._questions.ask(text, format, fields, priority=1)
            except UnknownParameter as error:
                beside = [field for field in beside if field != error.field]
                is_schema = error.field == SCHEMA
                field = self._part_of_schema() if is_schema and trial is None else error.field
                # One field less is another question, and there are few fields.
                attempt += not self._leave_out(field or error.field, "refused")
            except PromptTooLong:
                return "no judgement (too long)"
            except (Refused, Declined) as error:
                # A host's moderation may refuse the bad text: then it works. Nobody refuses a
                # greeting, nor says of a text that key or path are wrong.
                if text != PROBE_BAD or (isinstance(error, Declined) and error.is_of_the_way):
                    raise
                return "no judgement (refused)"
            except InferenceTimeout as error:
                raise InferenceTimeout(
                    "asked to judge a known text of a few words, "
                    f"{self._contact.address} gave {error}: it is slow, or its model comes to no "
                    "end; see inference.timeout_s and tokens_max_low"
                ) from None
            except ModelFault as error:
                if beside:
                    self._without(beside.pop(), is_refusal(error))
                    continue
                fault, attempt = error.reason, attempt + 1
                doubts += fault in _SCHEMA_FAULTS
            else:
                if trial is not None:
                    self._leave_out(trial, "answers are faulty with it")
                if LOGPROBS in beside:
                    self._has_logprobs = _holds_logprobs(body)
                return reading
        return f"no judgement ({fault})"

    def _part_of_schema(self, *, bounds: bool = True) -> str | None:
        """What of the schema could be left out: its bounds where it has any, else all of it."""
        if not self.format.with_schema:
            return None
        return SCHEMA_BOUNDS if bounds and self.format.with_bounds else SCHEMA

    def _without(self, field: str, was_refused: bool) -> None:
        """Ask on without what was asked beside: with it there was no judgement."""
        if field == PRIORITY:
            self._leave_out(PRIORITY, "refused")
        else:
            self._has_logprobs = False if was_refused else None

    async def _long_prompts(self, profile: Profile) -> LongPrompts:
        if not profile.may_cut_prompts:
            return LongPrompts.UNTRIED
        try:
            counted = await self._questions.prompt_tokens(self.format, LONG_TEXT)
        except PromptTooLong:
            return LongPrompts.REFUSED
        except InferenceTimeout:
            # A slow machine may need longer for so much text; that says nothing about the rest.
            return LongPrompts.UNTRIED
        if not counted:
            return LongPrompts.UNTRIED
        return LongPrompts.KEPT if counted >= LONG_WORDS else LongPrompts.CUT

    async def _reads_markers(self, profile: Profile) -> bool | None:
        """Whether control tokens, for once sent as they are, count fewer than words like them."""
        if not profile.checks_markers:
            return None
        try:
            marked = await self._questions.prompt_tokens(self.format, MARKERS)
            plain = await self._questions.prompt_tokens(self.format, NO_MARKERS)
        except PromptTooLong:
            return None
        return plain - marked > 2 * MARKER_PAIRS if marked and plain else None


def _are_bare(readings: list[Reading]) -> bool:
    return all(reading.repair is Repair.NONE for reading in readings)


def _counts_cached(readings: list[Reading]) -> bool | None:
    """Whether the beginning that the known texts share was counted as cached the second time."""
    if len(readings) < 2:
        return None
    tokens = readings[-1].judgement.tokens
    return tokens.cached > 0 if tokens.prompt else None


def _holds_logprobs(body: bytes) -> bool:
    """Whether either API's answer holds a logprob of any token."""
    return b'"logprob":' in body.replace(b" ", b"")


_LOGPROBS: Mapping[Api, Mapping[str, object]] = {
    "chat": {"logprobs": True, "top_logprobs": 1},
    "responses": {"include": ["message.output_text.logprobs"], "top_logprobs": 1},
}
SCHEMA, PRIORITY, LOGPROBS = "response_format", "priority", "logprobs"
_SCHEMA_FAULTS = (
    "http_400",
    "http_422",
    "http_500",
    Fault.EMPTY,
    Fault.ONLY_IN_REASONING,
    Fault.RAW_HARMONY,
)
