"""
A 200 is not a verdict: completion bytes -> `Judgement`, or the `Fault` that makes it none.

A total function over the ways in which servers of gpt-oss are known to fail (vLLM, llama.cpp,
Ollama, SGLang and hosted ones; every row has a test in `tests/servers`). The rules of this file:
labels match exactly, never by substring; a verdict is read from the final answer alone, never from
reasoning; and nothing here turns a fault into an allow.
"""

from __future__ import annotations

import json
import re
from enum import StrEnum
from string import ascii_letters
from typing import NamedTuple

import orjson

from consumer.domain.policy import Policy
from consumer.domain.verdict import NO_TOKENS, Judgement, Tokens

RATIONALE_CHARS_MAX = 2_000
REASONING_CHARS_MAX = 20_000
RULES_MAX = 32
OBJECTS_MAX = 8
"""More JSON objects than these in one answer are no answer."""


class Fault(StrEnum):
    """Why a completion is no judgement. `value` goes into logs and metrics."""

    NOT_A_COMPLETION = "not_a_completion"
    ERROR_IN_BODY = "error_in_body"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    RAW_HARMONY = "raw_harmony"
    REFUSAL = "refusal"
    UNREADABLE = "unreadable"
    AMBIGUOUS = "ambiguous"
    UNKNOWN_LABEL = "unknown_label"
    ONLY_IN_REASONING = "only_in_reasoning"
    PROMPT_TRUNCATED = "prompt_truncated"


class Repair(StrEnum):
    """What had to be peeled off an answer before it could be read; counted, and a sign of doubt."""

    NONE = "none"
    FENCES = "fences"
    PROSE = "prose"
    STUB = "stub"
    HARMONY = "harmony"


class Reading(NamedTuple):
    """A judgement and how hard it was to read."""

    judgement: Judgement
    repair: Repair = Repair.NONE


def read_completion(
    body: bytes, policy: Policy, prompt_tokens_min: int = 0, tokens_max: int = 0
) -> Reading | Fault:
    """
    Read the body of a 200 as a judgement under `policy`.

    `prompt_tokens_min` is the least number of prompt tokens that still holds the whole policy
    (0 = unknown): a server that counted fewer has cut the prompt, and its answer is void.
    `tokens_max` is the room that was asked for (0 = unknown): an answer that took all of it and
    cannot be read was cut off, whatever the server calls its end.
    """
    try:
        completion = orjson.loads(body)
        choice = completion["choices"][0]
        message = choice["message"]
        content = message.get("content")
        finish = choice.get("finish_reason")
        refusal = message.get("refusal")
        error = completion.get("error") or choice.get("error") or message.get("error")
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, AttributeError):
        return _no_completion(body)
    if error or finish == "error":
        # Whatever was said before it broke is void.
        return Fault.ERROR_IN_BODY
    if refusal:
        return Fault.REFUSAL
    tokens = read_tokens(completion.get("usage"))
    if 0 < tokens.prompt < prompt_tokens_min:
        return Fault.PROMPT_TRUNCATED
    if finish in ("length", "content_filter"):
        return Fault.TRUNCATED if finish == "length" else Fault.REFUSAL
    reasoning = message.get("reasoning") or message.get("reasoning_content")
    reasoning = reasoning if isinstance(reasoning, str) else ""
    return read_content(content, reasoning, policy, tokens, tokens_max)


def read_content(
    content: object, reasoning: str, policy: Policy, tokens: Tokens, tokens_max: int = 0
) -> Reading | Fault:
    """Read what a model said in its final answer, whichever API it came over."""
    is_cut = 0 < tokens_max <= tokens.completion
    said = content.strip() if isinstance(content, str) else ""
    if not said:
        if is_cut:
            return Fault.TRUNCATED
        return Fault.ONLY_IN_REASONING if _holds_answer(reasoning, policy) else Fault.EMPTY
    answer = _read_answer(said, policy)
    if isinstance(answer, Fault):
        return Fault.TRUNCATED if is_cut and answer is not Fault.REFUSAL else answer
    return Reading(_judgement(answer.fields, policy, reasoning, tokens), answer.repair)


def completion_tokens(body: bytes) -> Tokens:
    """What an answer cost, readable or not."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Tokens()
    return read_tokens(document.get("usage") if isinstance(document, dict) else None)


def read_failed_generation(body: bytes, policy: Policy) -> Reading | Fault:
    """Read what a host (Groq) returns inside a 400 because its own schema check failed."""
    try:
        generated = orjson.loads(body)["error"]["failed_generation"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return Fault.NOT_A_COMPLETION
    if not isinstance(generated, str) or not generated.strip():
        return Fault.EMPTY
    answer = _read_answer(generated.strip(), policy)
    if isinstance(answer, Fault):
        return answer
    return Reading(_judgement(answer.fields, policy, "", Tokens()), answer.repair)


class _Answer(NamedTuple):
    fields: dict[str, object]
    repair: Repair


def _no_completion(body: bytes) -> Fault:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Fault.NOT_A_COMPLETION
    if isinstance(document, dict) and document.get("error"):
        return Fault.ERROR_IN_BODY
    return Fault.NOT_A_COMPLETION


def _read_answer(content: str, policy: Policy) -> _Answer | Fault:
    if content[0] == "{" and content[-1] == "}":
        fields = _object(content)
        if fields is not None:
            return _checked(fields, policy, Repair.NONE)
    if "<|" in content:
        return _read_harmony(content, policy)
    if _REFUSAL.match(content):
        # Even where a label follows: who refuses has not classified.
        return Fault.REFUSAL
    fenced = _fenced(content)
    if fenced is not None:
        fields = _object(fenced)
        return Fault.UNREADABLE if fields is None else _checked(fields, policy, Repair.FENCES)
    return _bare_label(content, policy) or _in_prose(content, policy)


def _fenced(content: str) -> str | None:
    """What stands between two code fences that hold the whole answer."""
    if len(content) < 6 or not (content.startswith("```") and content.endswith("```")):
        return None
    return content[3:-3].lstrip(ascii_letters).strip()


def _in_prose(content: str, policy: Policy) -> _Answer | Fault:
    """
    The one answer among prose.

    What stands outside of it must name no other label, for it may be the answer and the object a
    quotation of the text; only an echoed stub may name them.
    """
    stretches = _objects_in(content)
    if stretches is None:
        return Fault.UNREADABLE
    objects = [found for found in map(_object, stretches) if found and "label" in found]
    if not objects:
        return Fault.UNREADABLE
    if len({repr(found["label"]) for found in objects}) > 1:
        return Fault.AMBIGUOUS
    for stretch in stretches:
        if _object(stretch) is not None:
            content = content.replace(stretch, " ")
    label = objects[0]["label"]
    rest = _STUB.sub(" ", content)
    others = [word for word in policy.labels if word != label]
    if '"label"' in rest or any(_has_word(rest, word) for word in others):
        return Fault.AMBIGUOUS
    return _checked(objects[0], policy, Repair.PROSE)


def _read_harmony(content: str, policy: Policy) -> _Answer | Fault:
    """Raw harmony leaked into the content: its final channel is the answer, nothing else is."""
    finals = _FINAL_CHANNEL.findall(content)
    if not finals:
        return Fault.RAW_HARMONY
    answer = _read_answer(finals[-1].strip() or "-", policy) if "<|" not in finals[-1] else None
    if answer is None or isinstance(answer, Fault):
        return Fault.RAW_HARMONY
    return _Answer(answer.fields, Repair.HARMONY)


def _bare_label(content: str, policy: Policy) -> _Answer | Fault | None:
    """
    A bare label, or one behind an echoed stub such as `Answer (HH0 or HH2): HH2`.

    Only the whole of what follows the last colon of the last line counts, and only where it is
    exactly a label; the stub itself may name labels and means nothing.
    """
    last_line = content.splitlines()[-1]
    echoed = len(last_line) < 200 and ":" in last_line and "{" not in last_line
    word = (last_line.rpartition(":")[2] if echoed else content).strip(" \t\"'`*.")
    if word not in policy.outcomes:
        return None
    if echoed:
        earlier = _STUB.sub(" ", content.rpartition(":")[0] + ":")
        if any(_has_word(earlier, label) for label in policy.labels if label != word):
            return Fault.AMBIGUOUS
    return _Answer({"label": word}, Repair.STUB)


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _checked(fields: dict[str, object], policy: Policy, repair: Repair) -> _Answer | Fault:
    label = fields.get("label")
    if not isinstance(label, str):
        return Fault.UNREADABLE
    if label not in policy.outcomes:
        return Fault.UNKNOWN_LABEL
    return _Answer(fields, repair)


def _object(text: str) -> dict[str, object] | None:
    """A JSON object, or None; one whose `label` appears twice with two values is no object."""
    try:
        if text.count('"label"') > 1 or "\\u" in text:
            found = json.loads(text, object_pairs_hook=_without_contradiction)
            orjson.dumps(found)  # A lone surrogate is no text that could be written.
        else:
            found = orjson.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _without_contradiction(pairs: list[tuple[str, object]]) -> dict[str, object]:
    labels = [repr(value) for name, value in pairs if name == "label"]
    if len(set(labels)) > 1:
        return dict(pairs) | {"label": None}
    return dict(pairs)


def _objects_in(content: str) -> list[str] | None:
    """The outermost `{…}` stretches of a text; None where there are too many to be an answer."""
    found: list[str] = []
    failed = 0
    decoder = json.JSONDecoder()
    at = content.find("{")
    while at != -1:
        if len(found) == OBJECTS_MAX or failed == OBJECTS_MAX:
            return None
        try:
            _, end = decoder.raw_decode(content, at)
        except (ValueError, RecursionError):
            failed += 1
            at = content.find("{", at + 1)
            continue
        found.append(content[at:end])
        at = content.find("{", end)
    return found


def _holds_answer(reasoning: str, policy: Policy) -> bool:
    return any(
        found.get("label") in policy.outcomes
        for found in map(_object, _objects_in(reasoning[-4_000:]) or ())
        if found and isinstance(found.get("label"), str)
    )


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
        effort=policy.effort.value,
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


def read_tokens(
    usage: object, prompt: str = "prompt_tokens", completion: str = "completion_tokens"
) -> Tokens:
    """The `usage` of an answer, by the names that its API has for the two kinds."""
    if not isinstance(usage, dict):
        return NO_TOKENS
    of_prompt, of_completion = usage.get(prompt + "_details"), usage.get(completion + "_details")
    return Tokens(
        _count(usage.get(prompt)),
        _count(of_prompt.get("cached_tokens")) if isinstance(of_prompt, dict) else 0,
        _count(of_completion.get("reasoning_tokens")) if isinstance(of_completion, dict) else 0,
        _count(usage.get(completion)),
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


_STUB = re.compile(r"\([^(){}\n]{1,200}\):")
"""The list of labels in an echoed stub such as `Answer (HH0 or HH2):`."""
_FINAL_CHANNEL = re.compile(
    r"<\|channel\|>\s*final[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>(.*?)"
    r"(?=<\|return\|>|<\|end\|>|<\|start\|>|\Z)",
    re.DOTALL,
)
_REFUSAL = re.compile(
    r"\W*(?:i['’]?\s?a?m\s+(?:very\s+|really\s+)?sorry|sorry|i\s+can(?:['’]?t|not)|"
    r"i\s+won['’]?t|i\s+am\s+unable|i['’]m\s+unable|as an ai)\b",
    re.IGNORECASE,
)
