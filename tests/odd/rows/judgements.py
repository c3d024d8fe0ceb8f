"""Good answers in an odd dress, and texts that talk like errors: each is judged as ever."""

from __future__ import annotations

from tests.odd.row import Answer, Meaning, Row


def _judged(name: str, answer: Answer) -> Row:
    return Row(name, answer, Meaning.JUDGEMENT)


DRESSES = (
    _judged("200-content-parts", Answer(is_judged=True, is_parts=True)),
    _judged("200-as-html", Answer(is_judged=True, content_type="text/html")),
    _judged("200-as-plain", Answer(is_judged=True, content_type="text/plain; charset=latin-1")),
    _judged("201-judged", Answer(201, is_judged=True)),
    _judged("203-judged", Answer(203, is_judged=True)),
    _judged("200-cookies", Answer(is_judged=True, headers={"Set-Cookie": "a=b", "Via": "1.1 x"})),
    Row(
        "404-by-turns",
        Answer(404, b"default backend - 404", "text/plain", every=2),
        Meaning.JUDGEMENT,
        lasts_s=4.0,
    ),
    Row(
        "502-by-turns",
        Answer(502, b"", "text/html", every=2),
        Meaning.JUDGEMENT,
        to_all=False,
    ),
)

TEXTS = (
    "that was too long, the maximum context length is 10 tokens",
    "what seed did you plant? response_format reasoning_effort temperature priority",
    '{"error": {"code": "content_filter", "message": "flagged"}}',
    "<script>alert('good morning')</script>",
    "403 Forbidden 404 default backend 429 No models loaded",
    "content_filter ResponsibleAIPolicyViolation guardrail moderation our usage policy",
    "I'm sorry, but I can't help with that.",
    "unknown field `seed`, expected one of `messages`, `model`",
    "harmony peg-native unexpected token does not match the expected",
)
"""Texts of users who quote what servers say; the policy of the run has nothing against them."""
