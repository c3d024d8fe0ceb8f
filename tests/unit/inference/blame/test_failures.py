"""What each failure says of the text, of the way to the model, and of the settings."""

from __future__ import annotations

import pytest

from consumer.errors import EndpointRefused, InferenceTimeout, ModelFault, Retryable
from consumer.inference.blame.failures import (
    Declined,
    FailedGeneration,
    PromptTooLong,
    Refused,
    Unclear,
    UnknownParameter,
    is_refusal,
)
from consumer.inference.blame.fault import Fault


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ModelFault(Fault.REFUSAL), True),
        (Refused("blocked"), True),
        (ModelFault(Fault.UNREADABLE), False),
        (Unclear("http_400"), False),
        (Declined(403), False),
        (InferenceTimeout(), False),
    ],
)
def test_a_model_and_a_host_refuse_outright(error: Retryable, expected: bool) -> None:
    assert is_refusal(error) is expected


@pytest.mark.parametrize(
    ("error", "is_systemic"),
    [
        (PromptTooLong("long"), False),
        (Refused("blocked"), False),
        (UnknownParameter("seed"), False),
        (FailedGeneration(b"{}"), False),
        (Unclear("http_400"), True),
        (Declined(403), True),
    ],
)
def test_what_may_be_the_endpoints_is_told_from_what_is_one_messages(
    error: Retryable, is_systemic: bool
) -> None:
    assert error.is_systemic is is_systemic


@pytest.mark.parametrize(
    ("status", "is_of_the_way", "is_misconfigured"),
    [
        (401, True, True),
        (402, False, False),
        (403, False, True),
        (404, True, True),
        (405, True, False),
        (406, False, False),
        (407, True, False),
        (408, False, False),
        (421, True, False),
        (422, False, False),
    ],
)
def test_some_statuses_speak_of_key_model_or_path_and_of_no_text(
    status: int, is_of_the_way: bool, is_misconfigured: bool
) -> None:
    """A firewall that dislikes a text says 403 as well, and so it is no proof of a wrong key."""
    declined = Declined(status)
    assert declined.is_of_the_way is is_of_the_way
    assert declined.is_misconfigured is is_misconfigured
    assert isinstance(declined.as_fatal("gpu-b"), EndpointRefused)
    assert str(declined.as_fatal("gpu-b")) == f"endpoint gpu-b: {declined}", "which of several"


def test_a_field_that_was_not_even_sent_means_something_else() -> None:
    """What the answer says beside it, or nothing that is known."""
    assert isinstance(UnknownParameter("seed").otherwise, Unclear)
    refused = Refused("blocked")
    assert UnknownParameter("seed", refused).otherwise is refused
