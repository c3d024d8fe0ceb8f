"""
A 200 is not a verdict: completion bytes -> `Judgement`, or the `Fault` that makes it none.

A total function over the ways in which servers of gpt-oss are known to fail (vLLM, llama.cpp,
Ollama, SGLang and hosted ones; every row has a test in `tests/servers`). The rules of this file:
labels match exactly, never by substring; a verdict is read from the final answer alone, never from
reasoning; what stands around it is known to `grammar` or there is none; an error or a refusal
beside it voids it; and nothing here turns a fault into an allow. What of a body was said at all is
told by `inference.wires`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from string import ascii_letters

import orjson

from consumer.classifier.contradiction import contradicts
from consumer.classifier.grammar import is_courtesy, names_any, read_label
from consumer.classifier.objects import object_in, objects_in, without
from consumer.domain.policy import Policy
from consumer.domain.value import Value
from consumer.domain.verdicts.verdict import NO_TOKENS, Judgement, Tokens
from consumer.inference.blame.fault import Fault as Fault
from consumer.inference.blame.refusal import declines, holds_refusal, is_refusal
from consumer.inference.profiles import Api
from consumer.inference.wires.apis import WIRES
from consumer.inference.wires.content import Said

RATIONALE_CHARS_MAX = 2_000
"""Of what is kept for reviewers; an envelope must stay far below Kafka's megabyte."""
REASONING_CHARS_MAX = 20_000
"""The same: about 5,000 tokens, more than the longest of 6,571 public answers had (3,166)."""
RULES_MAX = 32
"""Of a verdict; the prompt asks for four at most."""


class Repair(StrEnum):
    """What had to be peeled off an answer before it could be read; counted, and a sign of doubt."""

    NONE = "none"
    FENCES = "fences"
    PROSE = "prose"
    STUB = "stub"
    HARMONY = "harmony"


class Reading(Value, frozen=True):
    """A judgement and how hard it was to read."""

    judgement: Judgement
    repair: Repair = Repair.NONE
    said: str = ""
    """The answer as it came."""


def read_completion(
    body: bytes,
    policy: Policy,
    prompt_tokens_min: int = 0,
    tokens_max: int = 0,
    api: Api = "chat",
) -> Reading | Fault:
    """
    Read the body of a 200 as a judgement under `policy`.

    `prompt_tokens_min` is the least number of prompt tokens that still holds the whole policy
    (0 = unknown): a server that counted fewer has cut the prompt, and its answer is void.
    `tokens_max` is the room that was asked for (0 = unknown): an answer that took all of it and
    cannot be read was cut off, whatever the server calls its end.
    """
    content = WIRES[api].content(body, prompt_tokens_min)
    if isinstance(content, Fault):
        return content
    choices, tokens = content
    return _agreed([_read_said(said, policy, tokens, tokens_max) for said in choices])


def _agreed(readings: Sequence[Reading | Fault]) -> Reading | Fault:
    """One was asked for. Where several came they say the same, or nothing is read."""
    if len(readings) == 1:
        return readings[0]
    if Fault.REFUSAL in readings:
        return Fault.REFUSAL
    labels = {isinstance(each, Reading) and each.judgement.label for each in readings}
    return readings[0] if len(labels) == 1 else Fault.AMBIGUOUS


def _read_said(
    choice: Said | Fault, policy: Policy, tokens: Tokens, tokens_max: int = 0
) -> Reading | Fault:
    """Read what a model said in its final answer, whichever API it came over."""
    if isinstance(choice, Fault):
        return choice
    is_cut = 0 < tokens_max <= tokens.completion
    said, reasoning = choice.answer.strip(), choice.reasoning
    if not said:
        if is_cut:
            return Fault.TRUNCATED
        return Fault.ONLY_IN_REASONING if _holds_answer(reasoning, policy) else Fault.EMPTY
    found = _read_answer(said, policy)
    if isinstance(found, Fault):
        return Fault.TRUNCATED if is_cut and found is not Fault.REFUSAL else found
    fields, repair = found
    return Reading(_judgement(fields, policy, reasoning, tokens), repair, said)


def read_failed_generation(body: bytes, policy: Policy) -> Reading | Fault:
    """Read what a host (Groq) returns inside a 400 because its own schema check failed."""
    try:
        generated = orjson.loads(body)["error"]["failed_generation"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return Fault.NOT_A_COMPLETION
    said = Said(generated if isinstance(generated, str) else "")
    return _read_said(said, policy, NO_TOKENS)


_Answer = tuple[dict[str, object], Repair]
"""The fields of an answer, and what had to be peeled off it."""


def _read_answer(content: str, policy: Policy) -> _Answer | Fault:
    found = _in_any_shape(content, policy)
    if found in _NO_LABEL and holds_refusal(content):
        return Fault.REFUSAL
    return found


_NO_LABEL = (Fault.UNREADABLE, Fault.UNKNOWN_LABEL, Fault.AMBIGUOUS)
"""Nothing was read; a refusal has no shape of its own, and models put it into any."""


def _in_any_shape(content: str, policy: Policy) -> _Answer | Fault:
    if content[0] == "{" and content[-1] == "}":
        fields = object_in(content)
        if fields is not None:
            return _checked(fields, policy, Repair.NONE)
    if "<|" in content:
        return _read_harmony(content, policy)
    if is_refusal(content):
        # Even where a label follows: who refuses has not classified.
        return Fault.REFUSAL
    found = read_label(content, policy)
    if found is not None:
        return {"label": found.label, "rules": list(found.codes)}, Repair.STUB
    fenced = _fenced(content)
    if fenced is not None:
        fields = object_in(fenced)
        return Fault.UNREADABLE if fields is None else _checked(fields, policy, Repair.FENCES)
    return _in_prose(content, policy)


def _fenced(content: str) -> str | None:
    """What stands between two code fences that hold the whole answer."""
    if not (content.startswith("```") and content.endswith("```")):
        return None
    return content[3:-3].lstrip(ascii_letters).strip()


def _in_prose(content: str, policy: Policy) -> _Answer | Fault:
    """
    The one answer among courtesies.

    What stands outside of it is closed phrases and nothing else: in free prose an object may be a
    quotation of the text, or what somebody asks for.
    """
    stretches = objects_in(content)
    if stretches is None:
        return Fault.UNREADABLE
    objects = [object_in(content[start:end]) for start, end in stretches]
    labels = {repr(found["label"]) for found in objects if found and "label" in found}
    if len(labels) > 1:
        return Fault.AMBIGUOUS
    first = objects[0] if objects else None
    around = without(content, stretches)
    label = first.get("label") if first else None
    others = tuple(word for word in policy.labels if word != label)
    if label is None:
        is_torn = not objects and sum(names_any(content, (w,), policy) for w in others) > 1
        return Fault.AMBIGUOUS if is_torn else Fault.UNREADABLE
    if '"label"' in around or names_any(around, others, policy):
        return Fault.AMBIGUOUS
    if not all(found and "label" in found for found in objects) or not is_courtesy(around, policy):
        return Fault.UNREADABLE
    checked = [_checked(found, policy, Repair.PROSE) for found in objects if found]
    return next((each for each in checked if isinstance(each, Fault)), checked[0])


def _read_harmony(content: str, policy: Policy) -> _Answer | Fault:
    """Raw harmony leaked into the content: its only, final and last message is the answer."""
    header, _, said = content.rpartition("<|message|>")
    if not _FINAL_HEADER.search(header[-200:]) or len(_FINAL.findall(header)) > 1:
        return Fault.RAW_HARMONY
    for end in ("<|return|>", "<|end|>"):
        said = said.removesuffix(end).rstrip()
    answer = _read_answer(said.strip() or "-", policy) if "<|" not in said else None
    if answer is Fault.REFUSAL:
        return Fault.REFUSAL
    if answer is None or isinstance(answer, Fault):
        return Fault.RAW_HARMONY
    fields, _ = answer
    return fields, Repair.HARMONY


def _checked(fields: dict[str, object], policy: Policy, repair: Repair) -> _Answer | Fault:
    label, rationale = fields.get("label"), fields.get("rationale")
    if not isinstance(label, str):
        return Fault.UNREADABLE
    if label not in policy.outcomes:
        return Fault.UNKNOWN_LABEL
    if contradicts(fields, label, policy):
        return Fault.AMBIGUOUS
    if isinstance(rationale, str) and declines(rationale):
        return Fault.REFUSAL
    return fields, repair


def _holds_answer(reasoning: str, policy: Policy) -> bool:
    tail = reasoning[-4_000:]
    objects = [object_in(tail[start:end]) for start, end in objects_in(tail) or ()]
    labels = [found.get("label") for found in objects if found]
    return any(isinstance(label, str) and label in policy.outcomes for label in labels)


def _judgement(
    fields: dict[str, object], policy: Policy, reasoning: str, tokens: Tokens
) -> Judgement:
    label = fields["label"]
    assert isinstance(label, str)
    rules, dropped = _cited(fields.get("rules"), policy)
    confidence = fields.get("confidence")
    rationale = fields.get("rationale")
    return Judgement(
        policy=policy.name,
        label=label,
        outcome=policy.outcomes[label],
        rules=rules,
        confidence=confidence if confidence in ("low", "medium", "high") else None,
        rationale=rationale[:RATIONALE_CHARS_MAX] if isinstance(rationale, str) else "",
        reasoning=reasoning[:REASONING_CHARS_MAX],
        effort=str(policy.effort),
        tokens=tokens,
        rules_dropped=dropped,
    )


def _cited(rules: object, policy: Policy) -> tuple[tuple[str, ...], int]:
    """The cited rules that the policy has, and how many it has not."""
    if not rules:
        return (), 0
    cited = rules[:RULES_MAX] if isinstance(rules, list) else [rules]
    known = [rule for rule in cited if isinstance(rule, str) and rule in policy.rules]
    return tuple(dict.fromkeys(known)), len(cited) - len(known)


_FINAL_HEADER = re.compile(r"<\|channel\|>\s*final[^<]*(?:<\|constrain\|>[^<]*)?\Z")
_FINAL = re.compile(r"<\|channel\|>\s*final\b")
