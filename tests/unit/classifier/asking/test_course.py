"""How far the asking has come, and how the next attempt differs."""

from __future__ import annotations

from consumer.classifier.asking.course import Course
from consumer.inference.blame.fault import Fault
from consumer.inference.wires.format import RequestFormat

FORMAT = RequestFormat("m", seed=7)


def test_attempts_are_counted_and_timed() -> None:
    course = Course("user")
    for now_s in (3.0, 8.0):
        course.begin(now_s)
    assert (course.attempt, course.asked_s, course.sent_s) == (2, 8.0, 8.0)


def test_only_what_got_a_faulty_answer_is_asked_otherwise() -> None:
    """With another seed, and with room where it lacked; once too often without end is counted."""
    variation = Course("user").variation
    assert variation.of(FORMAT) is FORMAT
    variation.after(Fault.UNREADABLE, 1)
    assert variation.of(FORMAT) == FORMAT.for_retry(1, was_truncated=False)
    variation.after(Fault.TRUNCATED, 2)
    assert variation.of(FORMAT) == FORMAT.for_retry(2, was_truncated=True)
    assert variation.truncations == 1


def test_a_second_fall_makes_a_suspect() -> None:
    """One is anybody's misfortune."""
    course = Course("user")
    course.falls = 1
    assert not course.must_be_alone
    course.falls = 2
    assert course.must_be_alone
