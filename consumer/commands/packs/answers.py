"""Which sentences of a pack stay out of our policies, and why. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from consumer.commands.packs.passages import Passage, sentences_of
from consumer.registry.answers import answers_asked_for

SUMMARY = re.compile(r"(?<![\w-])(?:IN)?VALID(?![\w-])")
"""The words above the codes: an answer is one of the codes."""
_BOTH = re.compile(r"(?<![\w-])VALID(?![\w-]).*(?<![\w-])INVALID(?![\w-])", re.DOTALL)
_OUTPUT = re.compile(r"[ \t>*_]*output[ \t*_]*:", re.IGNORECASE)
_ESCALATE = re.compile(
    r"\bESCALATE\b|\bescalate (?:to|it|this|them|for|per|the|any)\b|\bescalate[.`\"]*$"
)
_DOMINANT = re.compile(
    r"\bhighest[- ]severity\b[^.\n]{0,30}\b(?:policy|policies|domain)|\*\*highest severity policy",
    re.IGNORECASE,
)
_ASK = re.compile(r"\b(?:seek|ask for|request) clarification\b", re.IGNORECASE)
_TWO = re.compile(r"\btwo labels\b|\b[DR]-[A-Z]{1,8}[#\d]", re.IGNORECASE)
_FLAGS = re.compile(
    r"\b(?:return|list|set|raise|output|give|mark)\b[^.\n]{0,40}\b(?:all|every|each|several|multiple)"
    r"\b[^.\n]{0,30}\b(?:flags?|categor(?:y|ies))\b"
    r"|\{\s*\"[A-Z][A-Z0-9]{0,2}\"\s*:\s*(?:true|false|0|1)\s*,",
    re.IGNORECASE,
)
FORMAT_TITLE = re.compile(r"(?:label|output|response|answer)s?[ \t]+format\b", re.IGNORECASE)
"""A section that says how to answer, with everything below it."""


class Reason(NamedTuple):
    """Why words are left out."""

    why: str
    is_lost: bool
    """Whether they meant something that has no place here; else the prompt says it, or the rule
    that takes the gravest outcome does."""


def reason_against(sentence: str, labels: Collection[str]) -> Reason | None:
    """Why a sentence cannot stand in a policy with these labels; None where it can."""
    if _ESCALATE.search(sentence):
        return Reason("to escalate is no outcome: flag where a person decides, else block", True)
    if _ASK.search(sentence):
        return Reason("nobody can be asked: name a flag label for doubt", True)
    if _TWO.search(sentence):
        return Reason("an answer has one label: make two policies of it", True)
    if _FLAGS.search(sentence):
        return Reason("an answer has one label and no list of flags: a policy for each", True)
    if _DOMINANT.search(sentence):
        return Reason("every policy judges and the gravest outcome wins by itself", False)
    if _OUTPUT.match(sentence):
        return Reason("says how to answer", False)
    if SUMMARY.search(sentence) and not {"VALID", "INVALID"} & set(labels):
        if _BOTH.search(sentence):
            return Reason("names words above the codes: an answer is a code", False)
        return Reason("names no label: write which code is meant", True)
    for _, problem in answers_asked_for(sentence):
        is_several = problem.startswith("asks for more")
        return Reason(problem.partition(":")[0], is_several)
    return None


def kept_of(
    passage: Passage, labels: Collection[str]
) -> tuple[Passage | None, list[tuple[Passage, Reason]]]:
    """What may stay of a passage, None where that is nothing, and what may not, with reasons."""
    cut: list[tuple[Passage, Reason]] = []
    whole = passage.text.lstrip()
    if whole.startswith(("```", "~~~", "|")):
        reason = reason_against(whole.strip("`~|\n "), labels)
        return (None, [(passage, reason)]) if reason else (passage, [])
    stays = []
    for sentence in sentences_of(passage):
        reason = reason_against(sentence.text.strip(), labels)
        if reason is None:
            stays.append(sentence)
        else:
            cut.append((sentence, reason))
    text = "".join(each.text for each in stays).rstrip()
    if not cut:
        return passage, []
    # A point that lost its beginning is none any more: its mark goes before what is left.
    mark = re.match(r"[ \t]*(?:[-*+]|\d+[.)])[ \t]+", passage.text)
    if text and mark and not text.startswith(mark[0]):
        text = mark[0] + text.lstrip()
    return (Passage(stays[0].line, text) if text.strip(" \t-*+") else None), cut
