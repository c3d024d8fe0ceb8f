"""The knee of a server is found by its latency and its refusals, from any start."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import pytest

from consumer.inference.pacing.knee import ELASTICITY, KneeFinder
from consumer.inference.pacing.window import Sent, Width


class Run(NamedTuple):
    """What a run looked like after its first third."""

    busy_share: float
    """Of the server's slots."""
    refused_share: float
    limits: list[int]


def run(
    finder: KneeFinder,
    slots: int,
    *,
    queue_max: int | None = None,
    refused_at_random: float = 0.0,
    quick_answers: int = 0,
    answers: int = 30_000,
    seed: int = 1,
    is_full: bool = True,
) -> Run:
    """
    Let a server with so many slots answer as many calls as the finder allows at once.

    Some calls are refused whatever the load; the first `quick_answers` take a quarter of the time.
    """
    dice = random.Random(seed)
    now_s = busy_s = settled_s = busy_before_s = 0.0
    waiting: deque[tuple[Sent, float]] = deque()
    running: list[tuple[float, int, Sent, float]] = []
    at_once = done = refused = number = 0
    limits: list[int] = []

    def begin(sent: Sent, since_s: float) -> None:
        nonlocal number
        number += 1
        takes_s = dice.lognormvariate(math.log(0.2), 0.8) / (4 if done < quick_answers else 1)
        heapq.heappush(running, (now_s + takes_s, number, sent, since_s))

    while done < answers:
        while at_once < finder.limit:
            sent = finder.sent(at_once + 1)
            if dice.random() < refused_at_random:
                finder.refused(sent)
                continue
            if len(running) < slots:
                begin(sent, now_s)
            elif queue_max is not None and len(waiting) >= queue_max:
                refused += done > answers / 3
                finder.refused(sent)
                continue
            else:
                waiting.append((sent, now_s))
            at_once += 1
        ends_s, _, sent, since_s = heapq.heappop(running)
        busy_s += (len(running) + 1) * (ends_s - now_s)
        now_s = ends_s
        at_once -= 1
        done += 1
        if waiting:
            begin(*waiting.popleft())
        finder.answered(sent, now_s - since_s, is_full)
        if done == answers // 3:
            settled_s, busy_before_s = now_s, busy_s
        if done > answers / 3:
            limits.append(finder.limit)
    share = (busy_s - busy_before_s) / (now_s - settled_s) / slots
    return Run(share, refused / (answers * 2 / 3), limits)


@pytest.mark.parametrize("slots", [16, 64, 256])
@pytest.mark.parametrize("start", [8, 48])
def test_all_slots_are_used_and_few_calls_queue_in_the_server(slots: int, start: int) -> None:
    """From below as from above it settles about the number of slots, though latency scatters."""
    found = run(KneeFinder(4, 512, start), slots)

    assert found.busy_share > 0.95
    assert sum(found.limits) / len(found.limits) < 1.25 * slots


@pytest.mark.parametrize("queue_max", [0, 8])
def test_a_server_that_refuses_is_hardly_refused_by(queue_max: int) -> None:
    """Its refusals name a ceiling, which is tried again only now and then."""
    found = run(KneeFinder(4, 512, 32), 64, queue_max=queue_max)

    assert found.busy_share > 0.95
    assert found.refused_share < 0.01


@pytest.mark.parametrize("share", [0.01, 0.03])
def test_refusals_at_any_width_do_not_narrow_it(share: float) -> None:
    """A gateway that refuses one call in fifty does so at any width: fewer calls do not help."""
    found = run(KneeFinder(4, 512, 32), 64, refused_at_random=share)

    assert found.busy_share > 0.95


@pytest.mark.parametrize("quick", [60, 100])
def test_a_quick_beginning_is_not_taken_for_the_server_being_full_now(quick: int) -> None:
    """A knee that shows on the way up is looked for again from below, and goes up where it lies."""
    for seed in range(6):
        finder = KneeFinder(4, 512, 16)

        found = run(finder, 64, quick_answers=quick, answers=8_000, seed=seed)

        assert found.busy_share > 0.85


def test_a_ceiling_that_was_lifted_is_found_out() -> None:
    """More servers behind the same address are used without a restart."""
    finder = KneeFinder(4, 512, 32)
    run(finder, 32, queue_max=0)
    assert finder.limit <= 32

    assert run(finder, 64, queue_max=0, answers=60_000).limits[-1] > 40


def test_a_spell_in_which_all_was_refused_leaves_nothing_behind() -> None:
    """Another's load, or a quota: the limit never falls below the least, and rises from there."""
    finder = KneeFinder(4, 512, 32)
    for _ in range(200):
        finder.refused(finder.sent(1))
    assert finder.limit == 4

    assert run(finder, 64, queue_max=0, answers=60_000).limits[-1] > 40


def test_nothing_is_learned_while_there_was_no_more_to_do() -> None:
    """A quiet hour says nothing about the server."""
    finder = KneeFinder(4, 512, 32)

    assert set(run(finder, 8, is_full=False, answers=3_000).limits) == {32}


def narrowed(late_s: float) -> int:
    """The limit after each answer took as long as there were calls, as if all of them queued."""
    finder = KneeFinder(4, 512, 64)
    for _ in range(6_000):
        at_once = finder.limit
        finder.answered(finder.sent(at_once), 0.001 * at_once, True, late_s * at_once)
    return finder.limit


def test_a_worker_that_is_slow_itself_is_not_taken_for_a_slow_server() -> None:
    """The same latencies narrow it where the worker was on time, and else say nothing."""
    assert narrowed(late_s=0.0) < 32
    assert narrowed(late_s=0.00009) < 32
    assert narrowed(late_s=0.0002) == 64


def test_once_the_worker_is_on_time_again_the_knee_is_found() -> None:
    """A busy spell leaves nothing behind, in whatever phase it came."""
    finder = KneeFinder(4, 512, 32)
    dice = random.Random(3)
    for _ in range(200):
        late_s = dice.choice([0.0, 1.0])
        for _ in range(dice.randrange(600)):
            finder.answered(finder.sent(finder.limit), 0.1, True, late_s)

    assert run(finder, 64).busy_share > 0.95


def test_the_bounds_hold() -> None:
    """Neither refusals nor slowness take it below the least, nor ease above the most."""
    assert min(run(KneeFinder(4, 512, 32), 1, queue_max=3, answers=3_000).limits) == 4
    assert max(run(KneeFinder(4, 20, 8), 1_000, answers=9_000).limits) == 20


@pytest.mark.parametrize("growth", [1.0, 1.009, 0.5])
def test_two_windows_of_one_width_tell_nothing(growth: float) -> None:
    """Where no more calls were under way, a latency that grew tells nothing of the server."""
    before = Width(64.0, 0.0)
    assert before.elasticity(Width(64.0 * growth, 3.0), 0.8) == ELASTICITY
    assert before.elasticity(Width(64.0 * growth, -3.0), 0.8) == ELASTICITY


@pytest.mark.parametrize(("slower", "expected"), [(1.0, 0.0), (2.0, 1.0), (4.0, 2.0), (0.5, -1.0)])
def test_elasticity_is_the_growth_of_latency_over_that_of_width(
    slower: float, expected: float
) -> None:
    """Twice the calls and twice the latency is 1: all of the added calls only wait."""
    found = Width(8.0, math.log(0.2)).elasticity(Width(16.0, math.log(0.2 * slower)), 0.8)
    assert found == pytest.approx(expected)
    barely = Width(100.0, 0.0).elasticity(Width(101.1, math.log(1.011)), 0.8)
    assert barely == pytest.approx(1.0)


def test_a_server_of_one_place_keeps_it() -> None:
    """Where widths cannot differ none is compared, and nothing fails."""
    finder = KneeFinder(1, 1, 1)
    assert set(run(finder, 1, answers=5_000).limits) == {1}


def test_each_ceiling_takes_as_many_refusals_as_the_first() -> None:
    """Those that named one are spent: three more may be anything's doing."""
    finder = KneeFinder(4, 512, 64)

    def refused(times: int) -> int:
        for _ in range(times):
            finder.refused(finder.sent(finder.limit))
        return finder.limit

    assert refused(3) == 64
    first = refused(1)
    assert first < 64
    assert refused(3) == first
    assert refused(1) < first


@pytest.mark.parametrize(("places", "growing", "comparing"), [(20, 40, 120), (200, 200, 400)])
def test_a_window_is_as_many_answers_as_its_width_needs(
    places: int, growing: int, comparing: int
) -> None:
    """Enough for their scatter, and each call of a wide one counts: once in growth, else twice."""
    finder = KneeFinder(places, places, places)

    def answers_to_the_end_of_the_window() -> int:
        answers, window = 0, finder.sent(places).window
        while finder.sent(places).window == window:
            finder.answered(finder.sent(places), 0.2, True)
            answers += 1
        return answers

    # The first of all are of calls that may still have met another width.
    assert answers_to_the_end_of_the_window() == places + growing
    assert answers_to_the_end_of_the_window() == comparing


def test_comparisons_that_contradict_each_other_are_made_ever_more_rarely() -> None:
    """After each the width is held for twice as many windows, up to a bound."""
    finder = KneeFinder(4, 512, 64)
    held, is_steep = [0], True
    while len(held) < 8:
        phase, window = finder._phase, finder.sent(1).window
        elasticity = ELASTICITY + (0.1 if is_steep else -0.1)
        while finder.sent(1).window == window:
            at_once = finder.limit
            finder.answered(finder.sent(at_once), 0.01 * at_once**elasticity, True)
        if phase == "hold":
            held[-1] += 1
        if (phase, finder._phase) == ("hold", "low"):
            held.append(0)
            is_steep = not is_steep
    assert held[:-1] == [2, 4, 8, 16, 16, 16, 16]


def looked_at(finder: KneeFinder, latencies_s: Iterable[float]) -> list[int]:
    """The width of each window, in which answers took as long as is said, and then the next."""
    widths = []
    for latency_s in latencies_s:
        widths.append(finder.limit)
        answer_a_window(finder, latency_s)
    return [*widths, finder.limit]


def answer_a_window(finder: KneeFinder, latency_s: float, late_s: float = 0.0) -> None:
    window = finder.sent(1).window
    for _ in range(2_000):
        finder.answered(finder.sent(finder.limit), latency_s, True, late_s)
        if finder.sent(1).window != window:
            return
    raise AssertionError("the window does not end")


@pytest.mark.parametrize(
    ("latencies_s", "widths"),
    [
        # Nothing queues: twice as wide each time, up to the top, where only less is compared.
        ([1, 1, 1, 1], [16, 32, 64, 128, 116]),
        # The server became slower between two looks: the way up goes on where it broke off.
        ([1, 2, 2, 2, 2], [16, 32, 16, 32, 64, 128]),
        # All of the added calls queue: it goes down to where they did not, and compares there.
        ([1, 2, 1], [16, 32, 16, 15]),
        # Three quarters queue, which is a knee as well.
        ([1, 1.7, 1], [16, 32, 19, 17]),
        # Some queued there already: it looks again from higher up, as far as that is much higher.
        ([1, 1.9, 1.3, 1.4], [16, 32, 17, 22, 20]),
        # Half of them do, which is none.
        ([1, 1.4, 1.4, 1.4], [16, 32, 64, 128, 116]),
    ],
)
def test_the_way_up_goes_on_until_calls_queue(latencies_s: list[float], widths: list[int]) -> None:
    """And a knee on it is looked at from below before it is believed."""
    assert looked_at(KneeFinder(4, 128, 16), latencies_s) == widths


@pytest.mark.parametrize(
    ("most", "latencies_s", "widths"),
    [
        # Too near to the width above to tell a knee from scatter.
        (36, [1, 1, 1.1, 1.1], [16, 32, 36, 33, 30]),
        # Far enough: the knee is not seen again, and the way up goes on.
        (40, [1, 1, 1.29, 1.29], [16, 32, 40, 31, 40]),
    ],
)
def test_a_knee_just_below_the_top_is_looked_at_again_where_that_can_tell(
    most: int, latencies_s: list[float], widths: list[int]
) -> None:
    assert looked_at(KneeFinder(4, most, 16), latencies_s) == widths


def held(finder: KneeFinder, windows: int) -> list[tuple[int, int]]:
    """The widths of so many windows in which nothing queues, each with how often it came."""
    widths = looked_at(finder, [1.0] * windows)[:-1]
    return [(width, len(list(same))) for width, same in itertools.groupby(widths)]


def test_a_ceiling_bounds_the_width_until_it_is_tried() -> None:
    """Less is compared meanwhile; above it there is more room once nothing was refused there."""
    finder = KneeFinder(4, 17, 16)
    for _ in range(4):
        finder.refused(finder.sent(16))
    assert finder.limit == 15
    assert held(finder, 148) == [
        # Held at the top, then a little less is compared with it.
        (15, 64),
        (14, 1),
        (15, 2),
        # Eight thousand answers have come: it is tried, and compared from there.
        (16, 1),
        (15, 1),
        (16, 2),
        # The next try comes at once and goes further, as far as there is anything above.
        (17, 1),
        (15, 1),
        (17, 65),
        (15, 1),
        (17, 9),
    ]


def test_only_refusals_at_the_width_of_now_name_a_ceiling() -> None:
    """A call of before, or one more than may be under way, met another server."""
    finder = KneeFinder(4, 128, 16)
    window = finder.sent(1).window
    for _ in range(20):
        finder.refused(Sent(window, 17))
        finder.refused(Sent(window - 1, 16))
    assert finder.limit == 16
    for _ in range(4):
        finder.refused(Sent(window, 16))
    assert finder.limit == 15


def test_where_the_worker_was_late_a_comparison_is_given_up() -> None:
    """It waits at the width between the two, a little above the knee."""
    finder = KneeFinder(4, 128, 16)
    assert looked_at(finder, [1, 2, 1]) == [16, 32, 16, 15]
    answer_a_window(finder, 1.0, late_s=1.0)
    assert finder.limit == 17
    answer_a_window(finder, 1.0)
    assert finder.limit == 15


def test_what_a_late_worker_saw_counts_in_no_later_window() -> None:
    """It is measured anew at the same width, and the way up goes on."""
    finder = KneeFinder(4, 512, 20)
    for _ in range(20 + 40):
        finder.answered(finder.sent(20), 1.0, True, 1.0)
    assert (finder.sent(20).window, finder.limit) == (1, 20)
    for _ in range(40):
        finder.answered(finder.sent(20), 0.1, True)
    assert finder.limit == 40
