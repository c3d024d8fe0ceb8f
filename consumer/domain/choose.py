"""Choosing: which version judges a message. Pure, and the one place where that is said."""

from __future__ import annotations

from consumer.domain.binding import Binding
from consumer.domain.policy import PolicyVersion


def choose(binding: Binding) -> PolicyVersion:
    """
    The version that judges what is taken under a binding, now and when it is taken once more.

    The worker asks when it takes a record; `classify`, `evaluate` and `rejudge` ask the same before
    they say what a message would get.
    """
    return binding.live
