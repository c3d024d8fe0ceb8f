"""Which columns hold what, and what their values mean: rows -> labelled texts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import NamedTuple

from consumer.commands.evaluate.cases.labelled import TEXT_BYTES_MAX, BadRow, CaseRow, LabelledText
from consumer.commands.evaluate.cases.setting import setting_in
from consumer.domain.policy import PolicyVersion
from consumer.errors import InvalidSettings

FIELDS = ("text", "id", "language", "group", "policy", "label", "labels", "context")
FACT_CHARS_MAX = 100
"""Of an id, a language or a group."""
UNKNOWN = frozenset({"", "?", "nan", "null", "n/a", "na"})
"""What people and programs write where nobody labelled a text; `none` is a label in many sets."""


class Columns(NamedTuple):
    """Where each fact stands. `--map` names columns, `--labels` says what their values mean."""

    fields: Mapping[str, str] = {}
    """Fact -> column, as it was asked for; the others have the column of their own name."""
    policies: Mapping[str, str] = {}
    """Policy -> the column with its label, from `label.POLICY=COLUMN`."""
    values: Mapping[str, str] = {}
    """Value, or `POLICY.value`, -> label; `?` is no label."""

    def column(self, fact: str) -> str:
        return self.fields.get(fact, fact)

    spare: frozenset[str] = frozenset()
    """Columns that no row need have."""

    @property
    def asked(self) -> tuple[str, ...]:
        """The columns that were named, each of which some row must have."""
        named = (*self.fields.values(), *self.policies.values())
        return tuple(name for name in named if name not in self.spare)

    def lines(self) -> list[str]:
        """The mapping for a person, a line for each fact."""
        shown = [f"{fact:<10} from column {name}" for fact, name in self.fields.items()]
        shown += [f"label under {name} from column {c}" for name, c in self.policies.items()]
        return shown + [f"{value!r:<10} means {label}" for value, label in self.values.items()]


def columns_of(maps: Sequence[str], labels: Sequence[str]) -> Columns:
    """
    What `--map text=tweet,label.hate=H` and `--labels hate=HH2` say.

    Raises:
        InvalidSettings: a word that is no pair, or a fact that nobody knows.
    """
    fields: dict[str, str] = {}
    policies: dict[str, str] = {}
    for fact, column in _pairs(maps, "--map"):
        if fact.startswith("label.") and len(fact) > len("label."):
            policies[fact.removeprefix("label.")] = column
        elif fact in FIELDS:
            fields[fact] = column
        else:
            raise InvalidSettings(f"--map {fact}: there are {', '.join(FIELDS)}, label.POLICY")
    return Columns(fields, policies, dict(_pairs(labels, "--labels")))


def _pairs(words: Sequence[str], flag: str) -> list[tuple[str, str]]:
    pairs = []
    for word in (part.strip() for each in words for part in each.split(",")):
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise InvalidSettings(f"{flag} {word}: write NAME=VALUE, several with a comma between")
        pairs.append((name.strip(), value.strip()))
    return pairs


class Reader:
    """Makes labelled texts of rows, under the policies of one version."""

    def __init__(self, columns: Columns, version: PolicyVersion) -> None:
        self._columns = columns
        self._outcomes = {policy.name: policy.outcomes for policy in version.policies}
        unknown = [name for name in columns.policies if name not in self._outcomes]
        if unknown:
            raise InvalidSettings(
                f"--map label.{unknown[0]}: {version.id} has {', '.join(self._outcomes)}"
            )

    def __repr__(self) -> str:
        return f"<Reader of {self._columns!r}>"

    def read(self, row: CaseRow) -> LabelledText | BadRow:
        """The labelled text of a row, or why there is none."""
        column = self._columns.column("text")
        text = row.fields.get(column)
        if column not in row.fields:
            return BadRow(row.line, f"has no {column}: --map text=COLUMN says where the text is")
        if not isinstance(text, str) or not text.strip():
            what = "empty" if isinstance(text, str) else "no text" if text is None else "a number"
            return BadRow(row.line, f"{column} is {what}: it must be a text")
        try:
            size = len(text.encode())
        except UnicodeEncodeError as error:
            return BadRow(row.line, f"character {error.start + 1} of the text is half a one")
        if size > TEXT_BYTES_MAX:
            return BadRow(row.line, f"the text is longer than {TEXT_BYTES_MAX:,} bytes")
        labels = self._labels(row.fields)
        if isinstance(labels, str):
            return BadRow(row.line, labels)
        setting = setting_in(row.fields.get(self._columns.column("context")))
        if isinstance(setting, str):
            return BadRow(row.line, setting)
        language = self._word(row, "language") or self._word(row, "lang")
        return LabelledText(
            row.line,
            self._word(row, "id") or str(row.line),
            text,
            language,
            self._word(row, "group"),
            labels,
            setting,
        )

    def _word(self, row: CaseRow, fact: str) -> str:
        word = _word(row.fields.get(self._columns.column(fact))) or ""
        return word[:FACT_CHARS_MAX].encode("utf-8", "replace").decode()

    def _labels(self, fields: Mapping[str, object]) -> dict[str, str | None] | str:
        """The label under each policy that the row is about, or what is wrong with them."""
        found: dict[str, str | None] = {}
        pairs: list[tuple[str | None, object]] = [
            (policy, fields.get(column)) for policy, column in self._columns.policies.items()
        ]
        if not pairs:
            policy = _word(fields.get(self._columns.column("policy")))
            several = fields.get(self._columns.column("labels"))
            one = fields.get(self._columns.column("label"))
            if isinstance(several, dict):
                pairs += list(several.items())
            elif isinstance(several, list):
                pairs += [(None, each) for each in several]
            if isinstance(one, list):
                pairs += [(policy, each) for each in one]
            elif one is not None or not pairs:
                pairs.append((policy, one))
        for policy, value in pairs:
            named = self._label(policy, value)
            if isinstance(named, str):
                return named
            name, label = named
            if name and found.get(name, label) != label:
                return f"two labels under {name}, {found[name]} and {label}: give one"
            if name:
                found[name] = label
        return found

    def _label(self, policy: str | None, value: object) -> tuple[str, str | None] | str:
        """Policy and label of a value; a value that is no label of it is said in a sentence."""
        word = _word(value)
        values = self._columns.values
        label = values.get(f"{policy}.{word}", values.get(word or "", word))
        if policy is not None and policy not in self._outcomes:
            return f"policy {policy}: the version has {', '.join(self._outcomes)}"
        if label is None or label.lower() in UNKNOWN:
            return policy or "", None
        if policy is not None:
            if label in self._outcomes[policy]:
                return policy, label
            return (
                f"label {label}: {policy} has {', '.join(self._outcomes[policy])}; "
                f"--labels {label}=LABEL says which is meant"
            )
        holders = [name for name, outcomes in self._outcomes.items() if label in outcomes]
        if len(holders) == 1:
            return holders[0], label
        if holders:
            return f"label {label} is in {' and '.join(holders)}: --map label.POLICY=COLUMN"
        known = ", ".join(label for outcomes in self._outcomes.values() for label in outcomes)
        return f"label {label}: the version has {known}; --labels {label}=LABEL says which is meant"


def _word(value: object) -> str | None:
    """A cell as a word: 1, 1.0 and true are the same, and NaN is nothing."""
    if value is None or (isinstance(value, float) and isnan(value)):
        return None
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
