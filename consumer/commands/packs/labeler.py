"""
A labeler as CoPE reads it: what a document calls its label, includes in it and excludes from it.

`## Definition of Label`, `### (HAR) Harassment`, `#### Includes`, `#### Excludes`. A document with
several labels becomes a policy for each, since an answer has one label. Pure.
"""

from __future__ import annotations

import re
from dataclasses import replace

from consumer.commands.packs.answers import FORMAT_TITLE, Reason, kept_of
from consumer.commands.packs.coded import EVERYTHING_ELSE
from consumer.commands.packs.cut import Cut, PackPolicy, in_order
from consumer.commands.packs.labels import RULE_WORDS_MAX
from consumer.commands.packs.passages import Chapter, Passage, chapters_of
from consumer.domain.policy import Outcome, Policy
from consumer.errors import Flaw

REST = f"- Whatever no rule of {{label}} names is {EVERYTHING_ELSE}."
_LABEL = re.compile(r"\((?P<label>[A-Z][A-Z0-9-]{1,15})\)[ \t]*:?[ \t]*(?P<words>.+)")
_POINT = re.compile(r"(?P<mark>[-*+])[ \t]+(?P<words>.+)", re.DOTALL)
_BOLD = re.compile(r"\*\*(?P<words>[^*]+?):?\*\*")


def read_labeler(file: str, name: str, text: str) -> list[PackPolicy] | list[Flaw]:
    """The policies in a document, one for each of its labels."""
    sections = chapters_of(text)
    starts = [at for at, section in enumerate(sections) if _LABEL.fullmatch(section.title)]
    if not starts:
        problem = "no heading is a label, as in `### (HAR) Harassment` above Includes and Excludes"
        return [Flaw(file, 1, problem)]
    shared = [
        section
        for section in sections[: starts[0]]
        if section.title.lower() not in ("criteria", "definition of label", "definition of labels")
    ]
    found = []
    for number, start in enumerate(starts):
        end = starts[number + 1] if number + 1 < len(starts) else len(sections)
        label = _LABEL.fullmatch(sections[start].title)
        assert label
        called = name if len(starts) == 1 else f"{name}-{label['label'].lower()}"
        reading = _LabelReading(file, label["label"])
        said = reading.kept(shared)
        if number:
            # What is said for all labels is told of with the first.
            reading.forget_cuts()
        own = reading.kept(reading.sections(label["words"].strip(), sections[start:end]))
        body = "\n\n".join((*said, *own)) + "\n"
        outcomes = {EVERYTHING_ELSE: Outcome.ALLOW, label["label"]: Outcome.FLAG}
        policy = Policy(called, label["words"].strip(), body, outcomes, reading.rules)
        found.append(PackPolicy(file, policy, in_order(reading.taken_out), in_order(reading.lost)))
    return found


class _LabelReading:
    """What is found under one label."""

    def __init__(self, file: str, label: str) -> None:
        self._file = file
        self._label = label
        self.rules: dict[str, str] = {}
        self.taken_out: list[Cut] = []
        self.lost: list[Cut] = []

    def sections(self, words: str, found: list[Chapter]) -> list[Chapter]:
        """Includes under the label, Excludes under the other, each point with a rule id."""
        head, *below = found
        includes = Chapter(head.line, 2, f"{self._label}: {words}", list(head.passages))
        excludes = Chapter(head.line, 2, f"{EVERYTHING_ELSE}: Everything else")
        excludes.passages.append(Passage(head.line, REST.format(label=self._label)))
        own = [includes, excludes]
        into, prefix = includes, self._label
        for section in below:
            title = section.title.lower()
            if title.startswith(("include", "exclude")):
                is_excluded = title.startswith("exclude")
                into = excludes if is_excluded else includes
                prefix = EVERYTHING_ELSE if is_excluded else self._label
                into.passages += [self._numbered(each, prefix) for each in section.passages]
            else:
                own.append(section)
        return own

    def _numbered(self, passage: Passage, prefix: str) -> Passage:
        point = _POINT.fullmatch(passage.text)
        if not point:
            return passage
        bold = _BOLD.match(point["words"])
        words = bold["words"] if bold else re.split(r"[:.;(]", point["words"])[0]
        rule = f"{prefix}.{1 + sum(each.startswith(f'{prefix}.') for each in self.rules)}"
        self.rules[rule] = " ".join(words.split())[:RULE_WORDS_MAX].strip() or "as the text says"
        return passage._replace(text=f"{point['mark']} {rule} {point['words']}")

    def kept(self, sections: list[Chapter]) -> list[str]:
        """The texts of what stays of these sections."""
        outcomes = (EVERYTHING_ELSE, self._label)
        kept: list[str] = []
        for section in sections:
            if FORMAT_TITLE.search(section.title):
                self._cut(Passage(section.line, section.text), Reason("says how to answer", False))
                continue
            passages: list[Passage] = []
            for passage in section.passages:
                stays, gone = kept_of(passage, outcomes)
                for each, reason in gone:
                    self._cut(each, reason)
                passages += [] if stays is None else [stays]
            if passages or not section.passages:
                kept.append(replace(section, passages=passages).text)
        return [part for part in kept if part]

    def _cut(self, passage: Passage, reason: Reason) -> None:
        where = self.lost if reason.is_lost else self.taken_out
        where.append(Cut(self._file, passage.line, passage.text.strip(), reason.why))

    def forget_cuts(self) -> None:
        self.taken_out.clear()
        self.lost.clear()
