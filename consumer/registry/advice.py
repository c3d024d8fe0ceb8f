"""
What may be meant and rarely is: warnings about a policy or a topic that is without fault. Pure.

Each is a flaw by file and line like a fault, and stops nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from consumer.domain.binding import RETRY, Binding
from consumer.domain.policy import Policy
from consumer.errors import Flaw
from consumer.registry.answers import answers_asked_for

TOKENS_MAX = 600
"""The model's guide found 400 to 600 best (openai-cookbook, gpt-oss-safeguard guide)."""
NAME_CHARS_MAX = 249
"""Of a topic, in Kafka (`org.apache.kafka.common.internals.Topic`)."""

_HEADING = re.compile(r"^#{1,6}[ \t]+(.*)$", re.MULTILINE)


def advice_on_policy(policy: Policy, shown: str, first_line: int) -> list[Flaw]:
    """Warnings about a policy; `first_line` is where its text begins in the file `shown`."""
    found = [*answers_asked_for(policy.text), *_unknown_ids(policy), *_missing_sections(policy)]
    if policy.tokens > TOKENS_MAX:
        problem = (
            f"text, rules and examples take about {policy.tokens} tokens: up to {TOKENS_MAX} are "
            "judged best; two subjects are two policies"
        )
        found.append((0, problem))
    return [
        Flaw(shown, first_line + policy.text.count("\n", 0, at), problem) for at, problem in found
    ]


def advice_on_topic(binding: Binding, shown: str) -> list[Flaw]:
    """Warnings about what `topic.toml` says."""
    outputs = binding.outputs
    kinds = {
        "allow": outputs.allow,
        "flag": outputs.flag,
        "block": outputs.block,
        "dead_letter": outputs.dead_letter,
    }
    problems = [
        f"outputs: {one} and {other} are one topic: who reads one of them gets both"
        for one, other in combinations(kinds, 2)
        if kinds[one] == kinds[other]
    ]
    for topic in binding.patterns:
        if set(topic) & set("*?["):
            continue
        problems += [
            f"{name[:60]}… has {len(name)} characters and Kafka's names {NAME_CHARS_MAX} at most: "
            "set a shorter one under [outputs]"
            for name in (*binding.outputs_of(topic), topic + RETRY)
            if len(name) > NAME_CHARS_MAX
        ]
    return [Flaw(shown, 1, problem) for problem in problems]


def _unknown_ids(policy: Policy) -> Iterator[tuple[int, str]]:
    """What looks like the policy's rule ids and labels and is neither."""
    known = {*policy.rules, *policy.labels}
    numbered = {found[1] for name in known if (found := re.match(r"([A-Za-z]+)\d", name))}
    dotted = {name.rpartition(".")[0] for name in policy.rules if "." in name}
    shapes = [rf"{re.escape(word)}\d{{1,3}}(?:\.\w{{1,8}})?" for word in sorted(numbered)]
    shapes += [rf"{re.escape(word)}\.\w{{1,16}}" for word in sorted(dotted)]
    if not shapes:
        return
    told: set[str] = set()
    for found in re.finditer(rf"(?<![\w.-])(?:{'|'.join(shapes)})(?![\w-])", policy.text):
        name = found[0]
        if name not in known and name not in told:
            told.add(name)
            yield found.start(), f"{name} is neither under rules nor a label: nobody may cite it"


def _missing_sections(policy: Policy) -> Iterator[tuple[int, str]]:
    headings = [found[1] for found in _HEADING.finditer(policy.text)]
    for label in policy.labels:
        word = re.compile(rf"(?<![\w.-]){re.escape(label)}(?![\w-])")
        if not any(word.search(heading) for heading in headings):
            yield 0, f"labels.{label}: no heading is about it, as in ## {label}: …"
