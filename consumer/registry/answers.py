"""What tells a model how to answer, inside a policy: the prompt says that, in one format. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

_STUB = re.compile(
    r"^[ \t*_#>]*(?:final )?(?:answer|classification|label|verdict|decision|output|"
    r"(?:expected )?response)[ \t]{0,4}(?P<choices>\([^()\n]{1,80}\))?[ \t*_]{0,4}:[ \t*_]*$",
    re.IGNORECASE | re.MULTILINE,
)
_PLACEHOLDER = re.compile(
    r"\[(?:INPUT|CONTENT|TEXT|MESSAGE)\]|\{\{?[ \t]*(?:input|content|text|message)[ \t]*\}\}?"
)
_FORMAT = re.compile(
    r"^(?:#{1,6}[ \t]+|\*\*)(?:output|response|answer|label)[ \t]+format\b"
    r"|^[ \t*_]*output[ \t*_]*:[ \t*_]*\S"
    r"|\b(?:return|respond|reply|answer|output)\b[^.\n]{0,60}\b(?:json|exactly one)\b"
    r"|\b(?:return|respond with|reply with|answer with|output)[ \t]+only\b"
    r'|\{[ \t\n]*"(?:label|violation|policy_category|rule_ids|rationale|confidence)"[ \t]*:',
    re.IGNORECASE | re.MULTILINE,
)
_SEVERAL = re.compile(
    r"\b(?:gets?|has|give|return|assign|output|with)\b[^.\n]{0,30}"
    r"\b(?:two|three|several|multiple|one or more|all applicable)[ \t]+labels\b",
    re.IGNORECASE,
)
PLACES_MAX = 20
"""Named of one kind in one policy."""


def answers_asked_for(text: str) -> Iterator[tuple[int, str]]:
    """
    Where a text prescribes an answer, or leaves a line to fill in, each with what to do.

    A second format beside the prompt's, or an unfinished answer, gets other answers.
    """
    last = text.rstrip().rfind("\n") + 1
    for stub in islice(_STUB.finditer(text), PLACES_MAX):
        if stub["choices"] or stub.start() >= last:
            yield stub.start(), "an answer to fill in: models echo it; take it out"
    for pattern, problem in (
        (_PLACEHOLDER, "a place for the message: it is sent by itself; take this out"),
        (_FORMAT, "says how to answer: the prompt does, in one format for all; take it out"),
        (_SEVERAL, "asks for more than one label: an answer has one; make two policies of it"),
    ):
        for found in islice(pattern.finditer(text), PLACES_MAX):
            yield found.start(), problem
