"""
Rejudging: a record judged once more, as it would be today.

The path is a worker's (`process.py`). What differs: an age limit does not count, since somebody
asks for old messages, an endpoint that is away is not waited for, what cannot be judged leaves its
verdict as it is, and of the stages before the model only the lists say anything: what was said of
other messages is no reason to replace a verdict.
"""

from __future__ import annotations

from dataclasses import replace

from consumer.domain.binding import Binding
from consumer.domain.messages.message import Record
from consumer.domain.screening import ScreeningTerms
from consumer.domain.verdicts.verdict import Cause, Verdict
from consumer.errors import Rejected
from consumer.interfaces import Clock
from consumer.pipeline.assignment.assignment import sought_out
from consumer.pipeline.process import Processor


class Rejudger:
    """Judges records that were sought out, under the version that judges their topic now."""

    def __init__(self, processor: Processor, clock: Clock) -> None:
        self._processor = processor
        self._clock = clock

    async def judge(self, record: Record, binding: Binding) -> Verdict | str:
        """What is decided today, or the reason why nothing is."""
        lists = ScreeningTerms(memo=None, lists=binding.screening.lists)
        binding = replace(binding, max_age_s=0.0, on_outage="unjudged", screening=lists)
        found = await self._processor.judge(sought_out(record, binding, self._clock.now_s()))
        if isinstance(found, Rejected):
            return found.reason
        if found is None:
            return "tombstone" if record.value is None else "empty_text"
        if found.cause is Cause.UNJUDGED:
            return found.unjudged_reason or Cause.UNJUDGED
        return found
