"""
Sets that many have: their columns, and the policies that were written here for them. Data.

The sets themselves are not shipped. Their columns are as their publishers describe them:
openai/moderation-api-release (2022), lmsys/toxic-chat, paul-rottger/hatecheck-data, and the Toxic
Comment Classification Challenge of Jigsaw and Kaggle (2018).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from consumer.commands.evaluate.cases.columns import Columns
from consumer.errors import InvalidSettings


@dataclass(frozen=True, slots=True)
class Preset:
    """How one set is read, and where to have it from."""

    columns: Columns
    where: str
    """A repository on GitHub or Hugging Face, or the name that it has at its publisher's."""


def _flags(columns: Mapping[str, str], **fields: str) -> Columns:
    """A column for each policy, some of which a part of the file may lack."""
    return Columns(fields, dict(columns), spare=frozenset(columns.values()))


PRESETS: Mapping[str, Preset] = {
    "moderation-2022": Preset(
        _flags(
            {
                "sexual": "S",
                "hate": "H",
                "violence": "V",
                "harassment": "HR",
                "self_harm": "SH",
                "sexual_minors": "S3",
                "hate_threatening": "H2",
                "violence_graphic": "V2",
            },
            text="prompt",
        ),
        "openai/moderation-api-release, samples-1680.jsonl",
    ),
    "toxicchat": Preset(
        Columns({"text": "user_input", "id": "conv_id"}, {"toxicity": "toxicity"}),
        "lmsys/toxic-chat, toxic-chat_annotation_test.csv",
    ),
    "hatecheck": Preset(
        Columns(
            {"text": "test_case", "id": "case_id", "group": "functionality"},
            {"hate": "label_gold"},
            {"hateful": "1", "non-hateful": "0"},
        ),
        "paul-rottger/hatecheck-data, test_suite_cases.csv",
    ),
    "jigsaw": Preset(
        Columns(
            {"text": "comment_text", "id": "id"},
            {
                name: name
                for name in (
                    "toxic",
                    "severe_toxic",
                    "obscene",
                    "threat",
                    "insult",
                    "identity_hate",
                )
            },
            # Rows of its test set that did not count.
            {"-1": "?"},
        ),
        "Kaggle, jigsaw-toxic-comment-classification-challenge, train.csv",
    ),
}


def topic_of(name: str) -> str:
    """The topic that the policies written for a set bind."""
    return f"evaluation.{name}"


def columns_with(name: str | None, asked: Columns) -> Columns:
    """
    The columns of a preset, with what was asked for besides.

    Raises:
        InvalidSettings: nobody knows such a preset.
    """
    if name is None:
        return asked
    preset = preset_of(name).columns
    return preset._replace(
        fields={**preset.fields, **asked.fields},
        policies={**preset.policies, **asked.policies},
        values={**preset.values, **asked.values},
    )


def preset_of(name: str) -> Preset:
    """
    The preset of that name.

    Raises:
        InvalidSettings: there is none.
    """
    if name not in PRESETS:
        raise InvalidSettings(f"--preset {name}: there are {', '.join(PRESETS)}")
    return PRESETS[name]
