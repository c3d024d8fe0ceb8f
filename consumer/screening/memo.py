"""
Memo: what the model said of a text, for the very same text a little later.

One call for a text is under way at a time, and others wait for it. What comes of it is the answer
of the model that is asked now, about this text, under this version, so a crash is harmless: a
record whose verdict lies on an output is found there and never judged anew, and any other is judged
as if for the first time, by the memo of whoever takes it or by the model. Kept in memory alone.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from consumer.domain.screening import MemoTerms
from consumer.domain.verdicts.judged import Judged
from consumer.domain.verdicts.usage import NO_USAGE
from consumer.domain.verdicts.verdict import NO_TOKENS, Cause, Screened

TEXT_CHARS_MAX = 2_000
"""Of a text that is kept: longer ones hardly come twice, and ten thousand of them fill a worker."""
WAITING_MAX = 10_000
"""Messages that wait for one call: more than a worker has in flight unless somebody says so."""

NO_VOICE = -1
"""Of a call whose answer is not to be kept, whatever it is."""


class AskedText(NamedTuple):
    """What the model would be asked: the same text of the same version says the same to it."""

    digest: str
    """Of the version."""
    text: str


class _Kept(NamedTuple):
    judged: Judged
    until_s: float


class _Call(NamedTuple):
    voice: int
    """How often the memo had forgotten when it began."""
    waiting: list[asyncio.Future[Judged | None]]


class Memo:
    """The answers about the texts of one policy set."""

    def __init__(self, terms: MemoTerms) -> None:
        self.terms = terms
        self._kept: OrderedDict[AskedText, _Kept] = OrderedDict()
        """In the order they were heard, which is the order they end in."""
        self._calls: dict[AskedText, _Call] = {}
        """By what is being asked now."""
        self._voice = 0

    def __repr__(self) -> str:
        return f"<Memo of {len(self._kept)} texts, {len(self._calls)} being asked>"

    def __len__(self) -> int:
        return len(self._kept)

    def __bool__(self) -> bool:
        """Whether it has anything to forget: an answer, or a call whose answer it would keep."""
        return bool(self._kept or self._calls)

    def answer(self, asked: AskedText, now_s: float) -> Judged | None:
        """What the model said of it, if that was not long ago."""
        found = self._kept.get(asked)
        return found.judged if found is not None and now_s < found.until_s else None

    def is_asked(self, asked: AskedText) -> bool:
        """Whether somebody asks it now."""
        return asked in self._calls

    def ask(self, asked: AskedText) -> None:
        """Somebody asks it from now on, and tells `heard` or `gave_up`."""
        self._calls[asked] = _Call(self._voice, [])

    async def wait(self, asked: AskedText) -> Judged | None:
        """The answer to what somebody asks now; None where they come to an end without one."""
        waiting = self._calls[asked].waiting
        if len(waiting) >= WAITING_MAX:
            return None
        # Each waits by itself: one that is cancelled must not end the wait of the others.
        mine: asyncio.Future[Judged | None] = asyncio.get_running_loop().create_future()
        waiting.append(mine)
        return await mine

    def heard(self, asked: AskedText, judged: Judged, verdict_id: str, now_s: float) -> None:
        """Keep what the model said, and tell it to those who wait, if it is worth that."""
        answer = remembered(judged, verdict_id)
        call = self._calls.get(asked)
        if answer is not None and (call is None or call.voice == self._voice):
            self._keep(asked, _Kept(answer, now_s + self.terms.for_s))
        self._tell(asked, answer)

    def gave_up(self, asked: AskedText) -> None:
        """It is not asked any more: those who wait ask for themselves."""
        self._tell(asked, None)

    def overturn(self, text: str, is_overturned: Callable[[Judged], bool]) -> int:
        """
        A person decided about this text: forget what the model said of it against that.

        Who asks now asks the model, whose answer is for that message; it is not kept. Returns how
        many answers were forgotten.
        """
        found = [
            asked
            for asked, kept in self._kept.items()
            if asked.text == text and is_overturned(kept.judged)
        ]
        for asked in found:
            del self._kept[asked]
        for asked, call in self._calls.items():
            if asked.text == text:
                self._calls[asked] = call._replace(voice=NO_VOICE)
        return len(found)

    def forget(self) -> None:
        """
        The model or its prompt is another one now: what was said is not what would be said.

        Who waits still hears it, as if they had been asked about before; it is not kept.
        """
        self._kept.clear()
        self._voice += 1

    def _keep(self, asked: AskedText, kept: _Kept) -> None:
        self._kept.pop(asked, None)
        while len(self._kept) >= self.terms.texts_max:
            self._kept.popitem(last=False)
        self._kept[asked] = kept

    def _tell(self, asked: AskedText, answer: Judged | None) -> None:
        call = self._calls.pop(asked, None)
        for waiting in call.waiting if call is not None else ():
            if not waiting.done():
                waiting.set_result(answer)


def remembered(judged: Judged, verdict_id: str) -> Judged | None:
    """
    What is said of the same text after this answer; None where it is not worth being said again.

    Only a whole judgement is: what is missing may be there the next time, and a refusal is no word
    about the text. No call was made for it, so it costs nothing.
    """
    if judged.unjudged is not None or judged.settled is not None or not judged.judgements:
        return None
    return Judged(
        judgements=tuple(each._replace(tokens=NO_TOKENS) for each in judged.judgements),
        model=judged.model,
        template=judged.template,
        usage=NO_USAGE,
        cause=Cause.MEMO,
        screened=Screened(Cause.MEMO, None, verdict_id),
    )
