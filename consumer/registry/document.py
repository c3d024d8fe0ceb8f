"""One policy file, Markdown with front matter -> `Policy`, or what is wrong with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from consumer.domain.policy import Effort, Example, Look, Outcome, Policy, SecondLookTerms
from consumer.errors import Flaw
from consumer.files import as_saved_anywhere
from consumer.registry.lines import Lines, line_of, yaml_lines
from consumer.registry.spelling import did_you_mean
from consumer.registry.wording import shape, worded, yaml_worded

LABELS_MAX = 12
"""Each is a line of every prompt; what needs more of them is two policies."""
FRONT_CHARS_MAX = 40_000
"""What YAML reads in about half a second."""
BODY_CHARS_MAX = 60_000
"""About 15,000 tokens; the model's guide says it works up to about 10,000."""
SAMPLES = 3
"""Answers of a second look by samples, where the policy does not say: the votes of four in all."""

NAME_CHARS_MAX = 200
"""Of a key's name in a message: a file may hold keys of any length."""

Label = Annotated[
    str,
    Field(
        pattern=shape(
            r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$",
            "must be a short word of letters, digits, dots, - and _, at most 32 of them",
        )
    ),
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ExampleFields(_Strict):
    text: Annotated[str, Field(min_length=1, max_length=2_000)]
    label: Label
    rules: list[str] = []


class SecondLookFields(_Strict):
    share: Annotated[float, Field(ge=0.001, le=1)]
    how: Literal["effort", "samples", "endpoint"] = "effort"
    samples: Annotated[int, Field(ge=1, le=8)] | None = None

    def terms(self) -> SecondLookTerms:
        how = Look(self.how)
        samples = self.samples or SAMPLES if how is Look.SAMPLES else 1
        return SecondLookTerms(self.share, how, samples)


class FrontMatter(_Strict):
    """The head of a policy file."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    severity: Literal["low", "medium", "high", "critical"] = "medium"
    effort: Literal["low", "medium", "high"] = "low"
    second_look: SecondLookFields | None = None
    question: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    labels: Annotated[
        dict[Label, Literal["allow", "flag", "block"]],
        Field(min_length=2, max_length=LABELS_MAX),
    ]
    rules: dict[Label, Annotated[str, Field(min_length=1, max_length=300)]] = {}
    examples: Annotated[list[ExampleFields], Field(max_length=40)] = []


def read_policy(file: Path, shown: str, content: bytes) -> Policy | list[Flaw]:
    """Read a policy file; `shown` is its name in messages."""
    try:
        text = as_saved_anywhere(content).decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return [Flaw(shown, line, "not UTF-8: save the file as UTF-8")]
    parts = re.match(r"---[ \t]*\r?\n(.*?\n)---[ \t]*(?:\r?\n|\Z)", text, re.DOTALL)
    if not parts:
        return [
            Flaw(
                shown, 1, "the file must begin with front matter between two lines of three dashes"
            )
        ]
    if len(parts[1]) > FRONT_CHARS_MAX:
        return [Flaw(shown, 1, f"the front matter is longer than {FRONT_CHARS_MAX:,} characters")]
    try:
        fields, lines = _front_matter(parts[1])
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark.line + 2 if error.problem_mark else 2
        return [Flaw(shown, at, f"the front matter: {yaml_worded(error.problem or '')}")]
    except (yaml.YAMLError, ValueError, ArithmeticError, RecursionError) as error:
        # A control character, a date that is none, a character beyond all: YAML's own depths.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return [Flaw(shown, 2, f"the front matter cannot be read: {yaml_worded(reason)}")]
    try:
        front = FrontMatter.model_validate(fields)
    except ValidationError as error:
        return flaws_of(error, shown, lines, FrontMatter) + _unmentioned(
            fields, text[parts.end() :], shown, lines
        )
    body = text[parts.end() :]
    body_line = text[: parts.end()].count("\n") + 1
    flaws = _inconsistencies(front, body, body_line, shown, lines)
    if flaws:
        return flaws
    return Policy(
        name=file.stem,
        title=front.title,
        text=body,
        outcomes={label: Outcome(outcome) for label, outcome in front.labels.items()},
        rules=dict(front.rules),
        examples=tuple(Example(e.text, e.label, tuple(e.rules)) for e in front.examples),
        severity=front.severity,
        effort=Effort(front.effort),
        second_look=front.second_look.terms() if front.second_look else None,
        question=front.question,
    )


def _front_matter(text: str) -> tuple[object, Lines]:
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        return None if root is None else loader.construct_document(root), yaml_lines(root, 2)
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """
    YAML without its surprises: a key that stands twice is an error, not the last one wins.

    Nor is there any alias: a few lines of them stand for more nodes than anyone could walk. Nor a
    tag: the library makes of it what it says, or fails in ways of its own.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.current_event
            raise yaml.composer.ComposerError(
                None, None, f"*{event.anchor}: write the value out instead", event.start_mark
            )
        if self.check_event(yaml.ScalarEvent, yaml.CollectionStartEvent):
            event = self.current_event
            if event.tag is not None:
                words = "!: take the tag out and write the value alone"
                raise yaml.composer.ComposerError(None, None, words, event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        seen: set[object] = set()
        for key, _ in node.value:
            if key.tag != _TEXT:
                # What is not in quotes and looks like a number, a date, a merge or a table.
                shown = f"{key.value} " if isinstance(key, yaml.ScalarNode) else ""
                raise yaml.constructor.ConstructorError(
                    None,
                    None,
                    f"the key {shown}must be text: put it in quotes "
                    "(yes, no, on, off and numbers are no text)",
                    key.start_mark,
                )
            name = key.value
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{name!r} stands twice", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep)


_TEXT = "tag:yaml.org,2002:str"


def flaws_of(
    error: ValidationError, shown: str, lines: Lines, model: type[BaseModel]
) -> list[Flaw]:
    """Pydantic's faults as ours, each with its line and in words that say what to do."""
    flaws: list[Flaw] = []
    for fault in error.errors(include_url=False, include_input=False):
        path = tuple(step for step in fault["loc"] if step != "[key]")
        name = ".".join(str(step) for step in path)[:NAME_CHARS_MAX] or "the front matter"
        problem = worded(fault)
        if fault["type"] == "extra_forbidden":
            problem = "unknown key" + (
                did_you_mean(str(path[-1]), keys_of(model, path[:-1]))
                or ": mend its spelling or take it out"
            )
        flaws.append(Flaw(shown, line_of(lines, path), f"{name}: {problem}"))
    return flaws


def keys_of(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """The keys that may stand in the table at a path; none where that is no table."""
    for step in path:
        if isinstance(step, int):
            continue
        field = model.model_fields.get(step)
        inner = table_in(field.annotation) if field else None
        if inner is None:
            return []
        model = inner
    return list(model.model_fields)


def table_in(annotation: object) -> type[BaseModel] | None:
    """The table that a field holds, also in a list or where it may be left out."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (table_in(each) for each in get_args(annotation))
    return next((each for each in found if each is not None), None)


def _unmentioned(fields: object, body: str, shown: str, lines: Lines) -> list[Flaw]:
    """Labels that the text never explains; of raw fields too, so that no fault hides another."""
    labels = fields.get("labels") if isinstance(fields, dict) else None
    return [
        Flaw(
            shown,
            line_of(lines, ("labels", label)),
            f"labels.{label}: the text never says when it applies",
        )
        for label in (labels if isinstance(labels, dict) else ())
        if isinstance(label, str)
        and body.strip()
        and not re.search(rf"(?<![\w.-]){re.escape(label)}(?![\w-])", body)
    ]


def _inconsistencies(
    front: FrontMatter, body: str, body_line: int, shown: str, lines: Lines
) -> list[Flaw]:
    flaws: list[Flaw] = []

    def flaw(path: tuple[str | int, ...], problem: str) -> None:
        flaws.append(Flaw(shown, line_of(lines, path), problem))

    if not body.strip():
        flaws.append(Flaw(shown, body_line, "the policy has no text"))
    elif len(body) > BODY_CHARS_MAX:
        flaws.append(
            Flaw(shown, body_line, f"the policy is longer than {BODY_CHARS_MAX} characters")
        )
    if "<|" in body:
        line = body_line + body[: body.index("<|")].count("\n")
        flaws.append(Flaw(shown, line, "the text holds <|, which models read as a control token"))
    if "allow" not in front.labels.values():
        flaw(("labels",), "labels: no label has the outcome allow")
    flaws += _unmentioned({"labels": front.labels}, body, shown, lines)
    for key, problem in _second_look_problems(front):
        flaw(("second_look", key), f"second_look.{key}: {problem}")
    seen: dict[str, str] = {}
    for label in front.labels:
        other = seen.setdefault(_plain(label), label)
        if other != label:
            flaw(
                ("labels", label),
                f"labels.{label}: differs from the label {other} in case or punctuation alone; "
                "choose labels that nobody can mistake for each other",
            )
    for index, example in enumerate(front.examples):
        if example.label not in front.labels:
            flaw(
                ("examples", index, "label"),
                f"examples.{index}: the label {example.label} is not among the labels",
            )
        for rule in example.rules:
            if rule not in front.rules:
                flaw(
                    ("examples", index, "rules"),
                    f"examples.{index}: the rule {rule} is not among the rules",
                )
    return flaws


def _plain(label: str) -> str:
    """
    A label without case and punctuation: what a hasty reader makes of it.

    That one label is part of another (VALID, INVALID) misleads nobody: answers match exactly.
    """
    return re.sub(r"[._-]", "", label).casefold()


def _second_look_problems(front: FrontMatter) -> list[tuple[str, str]]:
    """Keys of the table that do not fit together, each with what to do."""
    terms = front.second_look
    if terms is None:
        return []
    problems: list[tuple[str, str]] = []
    if terms.how == "effort" and front.effort == "high":
        problems.append(("how", "the effort is high already: say samples or endpoint"))
    if terms.how != "samples" and terms.samples is not None:
        problems.append(("samples", "only with how: samples; say so, or take it out"))
    return problems
