"""Plays rows in a scene, and holds what became of each message against the row."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.odd.row import Answer, Meaning, Row
from tests.odd.rows.features import Feature
from tests.odd.rows.judgements import TEXTS
from tests.odd.scene import Scene
from tests.odd.server import Marked
from tests.odd.verdicts import Found, Place

WORDS = {"allow": "good morning", "flag": "a doubtful thing", "block": "a banned thing"}
"""What the policy of the run thinks of a text."""
GOOD = tuple(f"{words} plain" for words in WORDS.values())
CALLS_FIRST = 2
"""So many odd answers come first where a message is judged in the end."""
LEARNED_WITHIN = 5
"""Rounds of messages; what was probed before the server changed may be adopted after it."""
ODD_ANSWERS_MIN = 4
"""An outage was not met by the worker before so many odd answers."""


class Play(NamedTuple):
    """One row as it was played once."""

    scene: str
    row: str
    how: str
    wrong: str | None = None
    """What was found, where that is not right."""


class Right(NamedTuple):
    """What may become of a message."""

    outcome: str
    """The model's own."""
    may_be_judged: bool = True
    reasons: frozenset[str] = frozenset()
    """For which it may end unjudged."""

    def fault_of(self, found: Sequence[Found]) -> str | None:
        """What is wrong with the verdicts about one message, or None."""
        if len(found) != 1:
            return f"{len(found)} verdicts: {', '.join(map(str, found))}"
        (verdict,) = found
        if verdict.cause == "model":
            is_right = self.may_be_judged and verdict.outcome == self.outcome
        elif verdict.reason == "refused":
            is_right = "refused" in self.reasons and verdict.outcome != "allow"
        else:
            # The topic says `on_unjudged = "allow"`.
            is_right = verdict.reason in self.reasons and verdict.outcome == "allow"
        return None if is_right else str(verdict)


def outcome_of(text: str) -> str:
    """What the policy of the run says of a text."""
    return next((o for o in ("block", "flag") if WORDS[o] in text), "allow")


def to_one(row: Row, *, has_well: bool) -> Right:
    """What may become of a message that is always answered so, by the odd servers."""
    is_judged = row.meaning is Meaning.JUDGEMENT
    return Right(outcome_of(row.words), is_judged or has_well, row.meaning.reasons)


def to_first(row: Row, *, has_well: bool) -> Right:
    """As above, of one whose first calls are answered so."""
    reasons: frozenset[str] = frozenset()
    if row.meaning is Meaning.REFUSAL or row.is_final:
        reasons = row.meaning.reasons
    elif row.meaning is Meaning.ENDPOINT and row.answer.may_be_refusal:
        reasons = frozenset({"refused"})
    return Right(outcome_of(row.words), True, reasons)


def singly(scene: Scene, rows: Sequence[Row], at_once: int) -> Iterator[Play]:
    """Rows for single messages, each beside a good one; so many at once, 1 is one by one."""
    asked: list[tuple[Row, str, Right, str]] = []
    for row in rows:
        if not row.to_one:
            continue
        for how, may, calls in (
            ("to one", to_one, None),
            ("to its first calls", to_first, max(1, CALLS_FIRST // len(scene.servers))),
        ):
            number = scene.next_mark()
            for server in scene.servers:
                server.mark(number, Marked(row.answer, calls))
            right = may(row, has_well=scene.has_well)
            asked.append((row, how, right, f"{row.words} mark-{number}"))
    for start in range(0, len(asked), at_once):
        batch = asked[start : start + at_once]
        odd = scene.write([text for _, _, _, text in batch])
        good = scene.write([GOOD[number % len(GOOD)] for number in range(len(batch))])
        scene.wait_for(odd + good)
        for (row, how, right, _), place in zip(batch, odd, strict=True):
            how = how if at_once > 1 else f"{how}, alone"
            yield Play(scene.name, row.name, how, right.fault_of(scene.verdicts.by_place[place]))
        yield from _all_judged(scene, "beside odd ones", GOOD, good)


def quoting(scene: Scene) -> Iterator[Play]:
    """Texts that quote what servers say, of which the policy thinks nothing."""
    places = scene.write(TEXTS)
    scene.wait_for(places)
    yield from _all_judged(scene, "texts that quote errors", TEXTS, places)


def to_everything(scene: Scene, row: Row) -> Iterator[Play]:
    """
    A row for everything: nothing ends while it lasts, and all is judged afterwards.

    Where the row says that a message may end all the same, it ends as it would alone.
    """
    how = "to everything"
    reasons = row.meaning.reasons if row.may_end_all else frozenset()
    scene.play(everything=row.answer)
    places = scene.write(GOOD * 2)
    if row.meaning is Meaning.JUDGEMENT or scene.has_well:
        scene.wait_for(places)
        yield from _all_judged(scene, f"{row.name}: while it lasts", GOOD, places, reasons)
        time.sleep(row.lasts_s / 4)
        scene.play()
    else:
        is_met = _lasts(scene, row.lasts_s)
        scene.verdicts.read_to_the_end()
        ended = [str(f) for place in places for f in scene.verdicts.by_place[place]]
        scene.play()
        wrong = f"ended in the outage: {', '.join(ended)}" if ended else None
        wrong = None if row.may_end_all else wrong
        yield Play(scene.name, row.name, how, wrong if is_met else "the worker never met it")
        scene.wait_for(places)
        yield from _all_judged(scene, f"{row.name}: afterwards", GOOD, places, reasons)
    yield from is_well(scene, row.name)


def lacking(scene: Scene, feature: Feature) -> Iterator[Play]:
    """A server that refuses a field, from one moment to the next: nobody notices."""
    _forgets(scene)
    scene.play(lacks=feature)
    places = scene.write(GOOD * 2)
    scene.wait_for(places)
    yield from _all_judged(scene, f"{feature.name}: at first", GOOD, places)
    for _ in range(LEARNED_WITHIN):
        before = sum(server.odd_to_messages for server in scene.servers)
        places = scene.write(GOOD * 2)
        scene.wait_for(places)
        yield from _all_judged(scene, f"{feature.name}: later", GOOD, places)
        asked = sum(server.odd_to_messages for server in scene.servers) - before
        if not asked:
            break
    wrong = f"asked {asked} times of {len(places)} with it" if asked else None
    yield Play(scene.name, feature.name, "is learned", wrong)
    lost = ALL_FIELDS - _fields(scene) - {feature.field}
    yield Play(scene.name, feature.name, "nothing else is left out", ", ".join(lost) or None)
    scene.play()
    yield from is_well(scene, feature.name)


def _forgets(scene: Scene) -> None:
    """After an outage the worker looks anew at what a server can do, and asks for everything."""
    scene.play(everything=Answer(502))
    places = scene.write(GOOD)
    scene.wait(lambda: scene.readiness().get("breaker_open"))
    scene.play()
    scene.wait_for(places)
    until_s = time.monotonic() + 20
    while time.monotonic() < until_s:
        scene.play()
        scene.wait_for(scene.write(GOOD))
        if _fields(scene) >= ALL_FIELDS:
            return
        time.sleep(0.2)


def _fields(scene: Scene) -> frozenset[str]:
    """Of a request, as all servers that were asked of late saw them."""
    seen = [server.last_fields for server in scene.servers if server.last_fields is not None]
    return frozenset.intersection(*seen) if seen else frozenset()


ALL_FIELDS = frozenset({"response_format", "reasoning_effort", "seed", "temperature"})


def crowd(scene: Scene, row: Row, count: int) -> Iterator[Play]:
    """Many messages that a firewall does not like, among as many good ones: no good one suffers."""
    texts: list[str] = []
    for _ in range(count):
        number = scene.next_mark()
        for server in scene.servers:
            server.mark(number, Marked(row.answer))
        texts += [f"{row.words} mark-{number}", f"{GOOD[number % len(GOOD)]} {number}"]
    places = scene.write(texts)
    scene.wait_for(places)
    right = to_one(row, has_well=scene.has_well)
    faults = [right.fault_of(scene.verdicts.by_place[place]) for place in places[::2]]
    yield Play(scene.name, row.name, "to many at once", next(filter(None, faults), None))
    yield from _all_judged(scene, f"beside {count} of {row.name}", texts[1::2], places[1::2])


def at_the_start(scene: Scene, row: Row) -> Iterator[Play]:
    """A row before anything was ever judged: the settings are wrong, or the worker waits."""
    how = "at the start"
    scene.play(everything=row.answer)
    places = scene.write(GOOD)
    scene.start(is_awaited=False)
    if row.is_fatal_at_start:
        scene.wait(lambda: not scene.worker.is_running, 30.0)
        code = scene.worker.exit_code
        wrong = None if code == 2 else f"exit code {code}"
        yield Play(scene.name, row.name, how, wrong)
        return
    is_met = _lasts(scene, row.lasts_s)
    scene.verdicts.read_to_the_end()
    ended = [str(f) for place in places for f in scene.verdicts.by_place[place]]
    scene.play()
    wrong = f"ended in the outage: {', '.join(ended)}" if ended else None
    if not scene.worker.is_running:
        wrong = f"exit code {scene.worker.exit_code}"
    yield Play(scene.name, row.name, how, wrong if is_met else "the worker never met it")
    scene.wait_for(places)
    yield from _all_judged(scene, f"{row.name}: after the start", GOOD, places)
    yield Play(scene.name, row.name, "exit", None if scene.stop() == 0 else "not in good order")


def is_well(scene: Scene, after: str) -> Iterator[Play]:
    """The worker is the same process, its endpoints are back, and what comes is judged."""
    is_back = scene.wait(lambda: scene.readiness().get("endpoints_out") == [], 20.0)
    places = scene.write(GOOD)
    scene.wait_for(places)
    yield from _all_judged(scene, f"{after}: well again", GOOD, places)
    wrong = None if is_back else f"out for ever: {scene.readiness()}"
    if not scene.worker.is_running:
        wrong = f"the worker ended with {scene.worker.exit_code}"
    yield Play(scene.name, after, "endpoints are back", wrong)


def each_once(scene: Scene) -> Iterator[Play]:
    """At the end: every message that was written has one verdict, and the worker ends well."""
    code = scene.stop()
    yield Play(scene.name, "the worker", "exit", None if code == 0 else f"exit code {code}")
    scene.verdicts.read_to_the_end()
    for place in scene.all_places():
        count = len(scene.verdicts.by_place[place])
        if count != 1:
            yield Play(scene.name, f"message {place}", "once", f"{count} verdicts")
    yield Play(scene.name, "all messages", "once")


def _lasts(scene: Scene, seconds: float) -> bool:
    """Let an outage last; False where the worker has not met it."""
    began_s = time.monotonic()
    is_met = scene.wait(lambda: scene.odd_answers >= ODD_ANSWERS_MIN)
    left_s = seconds - (time.monotonic() - began_s)
    if left_s > 0:
        time.sleep(left_s)
    return is_met


def _all_judged(
    scene: Scene,
    what: str,
    texts: Sequence[str],
    places: Sequence[Place],
    reasons: frozenset[str] = frozenset(),
) -> Iterator[Play]:
    """Whether each message has the model's verdict, or a reason of these; texts go in turn."""
    for number, place in enumerate(places):
        right = Right(outcome_of(texts[number % len(texts)]), True, reasons)
        wrong = right.fault_of(scene.verdicts.by_place[place])
        if wrong is not None:
            yield Play(scene.name, what, f"message {place}", wrong)
    yield Play(scene.name, what, "judged")
