"""
The closed shapes of an answer that is a label and no JSON, and what may stand around an object.

Nothing is searched for: the whole answer is a known stub, the list of choices that it repeats, the
label and a code in brackets, each but the label optional, or it is no answer. So no colon, number
or label somewhere in prose ever makes a verdict. The stubs are those of 1,624 recorded answers of
gpt-oss-safeguard (raxITlabs/gpt-oss-safeguard-testing at 375f11a, counted anew) and their like.
Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from consumer.domain.policy import Policy

LABEL_CHARS_MAX = 400
"""A longer answer is no label with a stub before it."""
AROUND_CHARS_MAX = 600
"""More around an object is no courtesy."""
WRAPPERS_MAX = 3
"""So deep a label may be wrapped, as in a bold quotation with a full stop."""


class Labelled(NamedTuple):
    """A label that is the whole answer, and the codes beside it."""

    label: str
    codes: tuple[str, ...] = ()


def read_label(answer: str, policy: Policy) -> Labelled | None:
    """The label that an answer without white space around it is; None for whatever else it is."""
    if len(answer) > LABEL_CHARS_MAX:
        return None
    readings = {
        reading
        for text in _unwrapped(answer)
        for rest in _after_stub(text, policy)
        for inner in _unwrapped(rest)
        if (reading := _labelled(inner, policy)) is not None
    }
    return readings.pop() if len(readings) == 1 else None


def is_courtesy(around: str, policy: Policy) -> bool:
    """Whether what stands around an object is closed phrases alone, such as an echoed stub."""
    return len(around) <= AROUND_CHARS_MAX and all(
        not piece or _COURTESY.fullmatch(piece) or _is_stub(piece, policy)
        for piece in (piece.strip(_MARKUP) for piece in _PIECE_ENDS.split(around))
    )


def names_any(text: str, labels: tuple[str, ...], policy: Policy) -> bool:
    """Whether a text names one of the labels as a word, outside of a list of all choices."""
    if len(text) > 4 * AROUND_CHARS_MAX:
        return False
    rest = _IN_BRACKETS.sub(lambda found: " " if _are_choices(found[1], policy) else found[0], text)
    return any(re.search(rf"(?<!\w){re.escape(label)}(?!\w)", rest) for label in labels)


def _after_stub(text: str, policy: Policy) -> Iterator[str]:
    """What may be the label with its code: all of the text, or what follows its stub."""
    yield text
    stub = _STUB.match(text)
    if stub and _are_choices(stub["choices"], policy):
        rest = text[stub.end() :]
        marks = [mark for mark in stub.group("m1", "m2", "m3") if mark]
        if len(marks) == 1 and rest.startswith(marks[0]):
            # All of the stub is bold, with its colon.
            yield rest[len(marks[0]) :].strip()
        elif not marks or (len(marks) == 2 and marks[0] == marks[1]):
            yield rest.strip()
    found = _IN_STUB.fullmatch(text) or _TAGGED.fullmatch(text)
    if found:
        yield found["label"].strip()


def _labelled(text: str, policy: Policy) -> Labelled | None:
    if text in policy.outcomes:
        return Labelled(text)
    found = _CODED.fullmatch(text)
    if found is None:
        return None
    codes = tuple(code for code in _SEPARATORS.split(found["codes"]) if code)
    for label in _unwrapped(found["label"]):
        if (
            label in policy.outcomes
            and codes
            and all(_is_code(code, label, policy) for code in codes)
        ):
            return Labelled(label, codes)
    return None


def _is_code(code: str, label: str, policy: Policy) -> bool:
    """Whether it is a rule, or looks like one, and does not speak for another label."""
    if code not in policy.rules and not _CODE.fullmatch(code):
        return False
    folded = code.casefold()
    others = (other.casefold() for other in policy.labels if other != label)
    return not any(re.match(rf"{re.escape(other)}(?![a-z0-9])", folded) for other in others)


def _is_stub(piece: str, policy: Policy) -> bool:
    stub = _STUB.fullmatch(piece + ":")
    return stub is not None and _are_choices(stub["choices"], policy)


def _are_choices(listed: str | None, policy: Policy) -> bool:
    """Whether a list names nothing but labels, and several; no list is as good."""
    if listed is None:
        return True
    words = [word.strip(" \"'`*“”") for word in _SEPARATORS.split(listed)]
    known = {label.casefold() for label in policy.labels}
    found = {word.casefold() for word in words if word}
    return len(found) > 1 and found <= known


def _unwrapped(text: str, depth: int = WRAPPERS_MAX) -> Iterator[str]:
    """The text itself, and what is left without the quotes or the bold around all of it."""
    yield text
    if not depth:
        return
    if text.endswith(".") and not text.endswith(".."):
        yield from _unwrapped(text[:-1], depth - 1)
    for opening, closing in _WRAPPERS:
        if text.startswith(opening) and text.endswith(closing) and len(text) > 2 * len(opening):
            inner = text[len(opening) : -len(closing)].strip()
            yield from _unwrapped(inner, depth - 1)


_WRAPPERS = tuple(
    (pair[: len(pair) // 2], pair[len(pair) // 2 :])
    for pair in ("****", "____", "**", "__", "``````", "``", '""', "''", "“”", "‘’", "«»", "„“")
)
_MARKUP = " \t*_`#>-,[]"
_NOUN = (
    r"(?:answer|classification|label|verdict|judge?ment|result|decision|policy|category|"
    r"determination|conclusion|assessment|output|response)"
)
_NAME = rf"(?:(?:the|my|final|overall|policy|content|message|safety|moderation)[ _]){{0,2}}{_NOUN}"
_MARK = r"\*\*|__|\*|_|`"
_FLAGS = re.IGNORECASE | re.ASCII
_STUB = re.compile(
    rf"(?P<m1>{_MARK})?{_NAME}(?P<m2>{_MARK})?[ ]*"
    rf"(?:[(\[](?P<choices>[^()\[\]\n]{{1,200}})[)\]])?(?P<m3>{_MARK})?[ ]*:",
    _FLAGS,
)
"""Such as `Answer (HH0 or HH2):`, all of it or its first words in bold."""
_IN_STUB = re.compile(rf"{_NAME}[ ]*:?[ ]*[(\[](?P<label>[^()\[\]\n]{{1,64}})[)\]]", _FLAGS)
"""Such as `Answer (HH2)`."""
_TAGGED = re.compile(rf"<(?P<tag>{_NAME})>\s*(?P<label>[^<>]{{1,200}}?)\s*</(?P=tag)>", _FLAGS)
"""Such as `<answer>HH2</answer>`."""
_CODED = re.compile(
    r"(?P<label>[^()\[\]\n]{1,80}?)\s*[(\[](?:(?:rules?|codes?)[ :]+)?"
    r"(?P<codes>[^()\[\]\n]{1,120})[)\]]",
    _FLAGS,
)
"""Such as `HH2 (HH2.a)`."""
_CODE = re.compile(r"[A-Za-z]{1,6}[-_.]?[0-9]{1,4}(?:[-_.]?[A-Za-z0-9]{1,4}){0,3}")
_SEPARATORS = re.compile(r"\s*[,;/|]\s*(?:(?:or|and)\s+)?|\s+(?:or|and)\s+", _FLAGS)
_IN_BRACKETS = re.compile(r"[(\[]([^()\[\]\n]{1,200})[)\]]")
_PIECE_ENDS = re.compile(r"[\n:!;]|\.(?=\s|\Z)")
_FORM = (
    r"(?: (?:in|as)(?: the| a)?(?: requested| required| specified)?(?: json)?(?: format| object)?)?"
)
_MORE = r"(?:any |some )?(?:more|further|additional|other) "
_COURTESY = re.compile(
    r"(?:sure|certainly|of course|okay|ok|json|"
    r"(?:(?:sure|certainly|of course|okay|ok),? )?"
    r"(?:here it is|(?:here(?: is|['’]s)|below is|this is) "
    rf"(?:it|(?:the |my |a )?(?:{_NAME}|json(?: object| {_NOUN})?|object)){_FORM})|"
    r"let me know(?: if you (?:need|want|have) (?:anything(?: else)?|more|(?:any )?questions|"
    rf"{_MORE}(?:information|details|help|assistance|questions|explanation)))?|"
    r"(?:i )?hope (?:this|that|it) helps)",
    _FLAGS,
)
