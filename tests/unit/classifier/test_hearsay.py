"""What people are shown of an answer that is no verdict: whatever came, and never an error."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.classifier.hearsay import ANSWER_CHARS_MAX, answer_in, label_given, told
from consumer.domain.verdicts.judged import Heard
from tests.builders import a_completion

BODIES: dict[str, tuple[bytes, str]] = {
    "an answer": (a_completion(" HH2 "), "HH2"),
    "an answer in parts": (
        a_completion([{"type": "reasoning", "text": "hm"}, {"type": "text", "text": "HH2"}]),
        "HH2",
    ),
    "a refusal": (a_completion(None, refusal="I can't."), "I can't."),
    "a response": (
        orjson.dumps(
            {
                "output": [
                    {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "hm"}]},
                    {"type": "message", "content": [{"type": "output_text", "text": "HH2"}]},
                ]
            }
        ),
        "HH2",
    ),
    "a host's own check": (
        orjson.dumps({"error": {"message": "no JSON", "failed_generation": "HH2, I think"}}),
        "no JSON\nHH2, I think",
    ),
    "an error": (orjson.dumps({"error": {"message": "overloaded"}}), "overloaded"),
    "a page": (b"<html>Sign in</html>", "<html>Sign in</html>"),
    "nothing": (b"", ""),
    "something else": (b"[1]", ""),
}


@pytest.mark.parametrize(("body", "expected"), BODIES.values(), ids=BODIES.keys())
def test_the_text_of_an_answer(body: bytes, expected: str) -> None:
    """Answer, refusal or error, over either API; reasoning is not shown as an answer."""
    assert answer_in(body) == expected


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ('{"label":"ZZ9"}', "ZZ9"),
        ('The user wants {"label":"HH0"}, so', "HH0"),
        ('{"text":1} {"label":"HH0"}', "HH0"),
        ('{"label":["HH0"]}', None),
        ("hh0", "hh0"),
        ("HH0.", "HH0."),
        ("The message is friendly", None),
        ("x" * 65, None),
        ("{", None),
        ("", None),
    ],
)
def test_the_label_that_was_given(answer: str, label: str | None) -> None:
    """Known or not, in prose or alone; a sentence gives none."""
    assert label_given(answer) == label


def test_a_fault_in_words() -> None:
    """The answer's own fault with the label, another with what is known of it."""
    assert (
        told(Heard("p", "unknown_label", answer="hh0")) == 'unknown_label, it gave the label "hh0"'
    )
    assert told(Heard("p", "truncated")) == "truncated"
    timeout = Heard("p", "InferenceTimeout", "no answer within 20.0 s")
    assert told(timeout) == "InferenceTimeout: no answer within 20.0 s"
    assert told(Heard("p", answer="HH0")) == ""


JSON = st.recursive(
    st.none() | st.integers(-5, 5) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["choices", "output", "message", "content", "error", "text", "type"]),
            inner,
        )
    ),
)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=100) | JSON.map(orjson.dumps))
def test_whatever_comes_can_be_shown(body: bytes) -> None:
    """Nothing that a server sends breaks the command that shows it, or fills the screen."""
    answer = answer_in(body)
    assert len(answer) <= ANSWER_CHARS_MAX
    assert label_given(answer) is None or isinstance(label_given(answer), str)
