"""
Reads a policy as it was sent and judges a text by its words: a stand-in for a model, not a model.

It knows what a prompt says about itself: the labels in the output format, the rule ids, the
double-quoted phrases under the headings named after labels, and the examples. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import orjson


class StandInAnswer(NamedTuple):
    """What the stand-in answers, and what it claims to have thought."""

    label: str
    rules: tuple[str, ...]
    confidence: str
    rationale: str
    reasoning: str

    def as_json(self) -> str:
        fields = {
            "label": self.label,
            "rules": self.rules,
            "confidence": self.confidence,
            "rationale": self.rationale,
        }
        return orjson.dumps(fields).decode()


class Term(NamedTuple):
    """One quoted phrase of a policy."""

    label: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PolicyReading:
    """What the stand-in understood of a policy: enough to decide, and nothing of its sense."""

    labels: tuple[str, ...]
    terms: dict[str, Term]
    """By the folded phrase."""
    examples: dict[str, Term]
    """By the folded text."""
    headings: tuple[str, ...]
    """Labels that head a section with terms, in the policy's order."""
    beginnings: frozenset[str]
    """First words of terms: most words of most texts are none."""
    words_max: int
    """Words in the longest term."""
    unspaced: tuple[str, ...]
    """Terms in scripts that put no spaces between words, found anywhere in a text."""

    def judge(self, text: str) -> StandInAnswer:
        """Judge a text: an example it equals, else the terms it contains, else the first label."""
        folded = fold(text)
        example = self.examples.get(folded)
        if example is not None:
            return _decision(example, "high", f"equals an example of {example.label}")
        matched = self._matched(folded)
        if not matched:
            nothing = Term(self.labels[0], ())
            return _decision(nothing, "high", "contains no term listed in the policy")
        counts = Counter(term.label for term in matched)
        label = max(counts, key=lambda label: (counts[label], self.headings.index(label)))
        rules = tuple(
            dict.fromkeys(r for term in matched if term.label == label for r in term.rules)
        )
        return _decision(Term(label, rules), "medium", f"matches a term listed under {label}")

    def _matched(self, folded: str) -> list[Term]:
        """Every term in the text once, the longest at each word; a term inside another is none."""
        words = folded.split()
        found: dict[str, Term] = {}
        at = 0
        while at < len(words):
            step = 1
            if words[at] not in self.beginnings:
                at += 1
                continue
            for length in range(min(self.words_max, len(words) - at), 0, -1):
                phrase = " ".join(words[at : at + length]) if length > 1 else words[at]
                term = self.terms.get(phrase)
                if term is not None:
                    found[phrase], step = term, length
                    break
            at += step
        for phrase in self.unspaced:
            if phrase in folded:
                found[phrase] = self.terms[phrase]
        return list(found.values())


@lru_cache(maxsize=256)
def read_policy(system_message: str) -> PolicyReading | None:
    """Read a system message; None where it names no labels, so that nothing can be answered."""
    sentence = _LABELS.search(system_message)
    labels = (
        tuple(orjson.loads(word) for word in _JSON_STRING.findall(sentence[1])) if sentence else ()
    )
    if not labels:
        return None
    body, _, examples = system_message.rpartition("## Examples")
    if not body:
        body, examples = system_message, ""
    body, _, rule_list = body.partition("# Policy:")[2].rpartition("## Rule ids")
    if not body:
        body, rule_list = rule_list, ""
    terms = _read_terms(body, labels, _rule_ids(rule_list))
    return PolicyReading(
        labels=labels,
        terms=terms,
        examples=_read_examples(examples, labels),
        headings=tuple(dict.fromkeys(term.label for term in terms.values())),
        beginnings=frozenset(phrase.partition(" ")[0] for phrase in terms),
        words_max=max((phrase.count(" ") + 1 for phrase in terms), default=0),
        unspaced=tuple(phrase for phrase in terms if _UNSPACED.search(phrase)),
    )


def messages_of(asked: Mapping[str, Any]) -> tuple[str, str]:
    """The first system message and the last user message of a request."""
    texts = [(message["role"], _text(message["content"])) for message in asked["messages"]]
    system = next((text for role, text in texts if role in ("system", "developer")), "")
    return system, next((text for role, text in reversed(texts) if role == "user"), "")


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def text_of(user_message: str) -> str:
    """The text to judge of a user message, or all of it where there are no markers."""
    if user_message.startswith("<context-"):
        marker = user_message[len("<context-") :].partition(">")[0]
        user_message = user_message.partition(f"\n</context-{marker}>\n")[2]
    if user_message.startswith("<message-"):
        opening, newline, rest = user_message.partition(">\n")
        text, closing, _ = rest.rpartition(f"\n</{opening[1:]}>")
        if newline and closing:
            return text
    return user_message


def fold(text: str) -> str:
    """A text without case, punctuation, symbols and the wealth of Unicode's look-alike forms."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_FOLDING)
    return " ".join(folded.split())


def _rule_ids(rule_list: str) -> re.Pattern[str]:
    """A pattern for the rule ids that the prompt lists, or for what looks like one."""
    known = sorted(_RULE_LINE.findall(rule_list), key=len, reverse=True)
    either = "|".join(map(re.escape, known)) or _RULE_SHAPE
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)")


def _read_terms(body: str, labels: tuple[str, ...], rule: re.Pattern[str]) -> dict[str, Term]:
    """Quoted phrases of the bullets under each heading that begins with a label."""
    longest_first = sorted(labels, key=len, reverse=True)
    heading = re.compile(rf"#{{2,4}}\s+({'|'.join(map(re.escape, longest_first))})(?!\w)")
    terms: dict[str, Term] = {}
    label, inherited = "", ()
    for block in _BLOCK.split(body):
        if block.startswith("#"):
            found = heading.match(block)
            label, inherited = (found[1], tuple(rule.findall(block))) if found else ("", ())
        elif label and _BULLET.match(block):
            rules = tuple(dict.fromkeys(rule.findall(block))) or inherited
            for quoted in _QUOTED.findall(" ".join(block.split())):
                phrase = fold("".join(quoted))
                if phrase:
                    terms[phrase] = Term(label, rules)
    return terms


def _read_examples(section: str, labels: tuple[str, ...]) -> dict[str, Term]:
    examples: dict[str, Term] = {}
    for text, label, rules in _EXAMPLE.findall(section):
        if label in labels:
            cited = tuple(rule.strip() for rule in rules.split(",") if rule.strip())
            examples[fold(orjson.loads(text))] = Term(label, cited)
    return examples


def _decision(term: Term, confidence: str, rationale: str) -> StandInAnswer:
    cited = f" The rules are {', '.join(term.rules)}." if term.rules else ""
    reasoning = (
        f"This is a stand-in, no model: it compares words. The text {rationale}.{cited} "
        f"So the label is {term.label}."
    )
    return StandInAnswer(term.label, term.rules, confidence, rationale, reasoning)


class _Folding(dict[int, int | str | None]):
    """A `str.translate` table that fills itself: letters, marks and digits stay."""

    def __missing__(self, code: int) -> int | str | None:
        kind = unicodedata.category(chr(code))
        kept: int | str | None = " "
        if kind[0] in "LMN":
            kept = code
        elif kind == "Cf" or code in _APOSTROPHES:
            kept = None
        self[code] = kept
        return kept


_APOSTROPHES = frozenset(map(ord, "'’ʼ`´"))
_FOLDING = _Folding()
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_LABELS = re.compile(r'"label" is one of (.+?); "rules"')
_RULE_LINE = re.compile(r"^- ([^\s:]+):", re.MULTILINE)
_RULE_SHAPE = r"[A-Z]{1,4}\d+(?:\.\w+)+"
_BLOCK = re.compile(r"\n(?=#)|\n(?=\s*(?:[-*]|\d+[.)])\s)|\n\s*\n")
_BULLET = re.compile(r"\s*(?:[-*]|\d+[.)])\s")
_QUOTED = re.compile(r'"([^"]{1,120})"|“([^”]{1,120})”|„([^“”]{1,120})[“”]')
_EXAMPLE = re.compile(r'^- ("(?:[^"\\]|\\.)*") is (\S+)(?: \(([^)]*)\))?$', re.MULTILINE)
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
