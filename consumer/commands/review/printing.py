"""Printing: a case as lines for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from consumer.commands.dead_letters.letter import printable
from consumer.domain.counted import counted
from consumer.review.cases.case import Concern


def docket_lines(fields: Mapping[str, Any]) -> Iterator[str]:
    """What its account says, for a person; nothing that anybody wrote is obeyed by the terminal."""
    yield f"case {fields['case']}  {fields['state']}  queue {fields['queue']}"
    if fields["asked"] in set(Concern):
        yield f"  asked by  {fields['asked']}"
    if "due" in fields:
        yield f"  {fields['due']}"
        for why in fields["why"]:
            yield f"    {why}"
    if fields["claimed_by"]:
        yield f"  claimed by {fields['claimed_by']} until {fields['lease_until']}"
    elif fields["assigned_to"]:
        yield f"  assigned to {fields['assigned_to']}"
    if fields["note"]:
        yield f"  note      {_clean(fields['note'])}"
    yield from _message_lines(fields)
    yield from _group_lines(fields)
    yield from _asking_lines(fields)
    for decision in fields["decisions"]:
        yield f"  decided   {_decision_line(decision)}"
    if fields["shared_from"]:
        asked = f"safeguard rejudge --topic {fields['topic']} --shared {fields['shared_from']}"
        yield f"  shared    workers may have given that verdict to others: `{asked}`"
    if fields["proposal"]:
        yield f"  proposed  {_decision_line(fields['proposal'])}: needs a second person who agrees"
    if fields["draft"]:
        said = (f"{name} {_clean(word)}" for name, word in fields["draft"].items() if word)
        yield f"  draft     {', '.join(said)}: `decide` alone says it"


def _message_lines(fields: Mapping[str, Any]) -> Iterator[str]:
    """What was said, and how it was judged."""
    yield f"  message   {_clean(fields['message_id'])}  at {fields['position'] or 'nobody knows'}"
    if fields["author"]:
        yield f"  author    {_clean(fields['author'])}"
    for line in fields["context"]:
        yield f"    {_clean(line.get('speaker'))}: {_clean(line.get('text'))}"
    if fields["text"] is not None:
        yield f'  text      "{_clean(fields["text"])}"' + (" (cut)" if fields["text_cut"] else "")
    if fields.get("text_fault"):
        yield f"  text      not to be had: {_clean(fields['text_fault'])}"
    if fields["policy_version"]:
        yield f"  judged    under {fields['policy_version']}"
    for judgement in fields["judgements"]:
        yield f"    {judgement['policy']} {judgement['label']} ({judgement['outcome']})"
        for rule, words in judgement["rules"].items():
            yield f"      {rule}: {_clean(words)}"
        if judgement.get("rationale"):
            yield f"      {_clean(judgement['rationale'])}"


def _group_lines(fields: Mapping[str, Any]) -> Iterator[str]:
    """What is decided along with it, each wording once, and what was."""
    if fields["decided_with"]:
        number = counted(len(fields["decided_with"]), "other case")
        yield f"  with      {number}: the other way they go with it (or --alone)"
    if not fields["alike"]:
        return
    yield f"  alike     {counted(len(fields['alike']), 'open case')}, decided with it (or --alone)"
    for words in dict.fromkeys(_clean(each["text"]) for each in fields["alike"]):
        if words != _clean(fields["text"]):
            yield f'    "{words}"'


def _asking_lines(fields: Mapping[str, Any]) -> Iterator[str]:
    """Who else asks, and what they say."""
    if fields["reporters"]:
        yield f"  reported by {fields['reporters']}"
        for report in fields["reports"]:
            yield f"    {report['at']} {_clean(report['reason'])} {_clean(report['note'])}".rstrip()
    for appeal in fields["appeals"]:
        yield f"  appeal    {appeal['at']} by {_clean(appeal['by'])}: {_clean(appeal['note'])}"


def _decision_line(decision: Mapping[str, Any]) -> str:
    about = [decision["outcome"], decision["label"], decision["rule"]]
    people = decision["by"] + (f" and {decision['approved_by']}" if decision["approved_by"] else "")
    batch = f" (batch {decision['batch']})" if decision["batch"] else ""
    return f"{' '.join(filter(None, about))} by {people}: {_clean(decision['reason'])}{batch}"


def _clean(text: object) -> str:
    return printable(" ".join(str(text).split()).encode("utf-8", "backslashreplace"))
