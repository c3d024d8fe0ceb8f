"""Cases written out: as JSON lines, or as a configuration that promptfoo reads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import orjson
import yaml

from consumer.commands.evaluate.cases.labelled import LabelledText, Setting
from consumer.domain.policy import PolicyVersion
from consumer.errors import InvalidSettings


def export(path: Path, texts: Iterable[LabelledText], version: PolicyVersion) -> int:
    """
    Write a case for each known label; returns how many. A file that is there is replaced.

    Raises:
        InvalidSettings: the file cannot be written, or its name says no format.
    """
    suffix = path.suffix.lower()
    if suffix not in (".jsonl", ".yaml", ".yml"):
        raise InvalidSettings(f"--export {path}: its name must end in .jsonl or .yaml")
    try:
        with path.open("w", encoding="utf-8") as file:
            if suffix != ".jsonl":
                file.write(_PROMPTFOO_HEAD.format(version=version.id))
            written = 0
            for text in texts:
                for policy, label in text.known.items():
                    is_only = len(text.known) == 1
                    name = text.id if is_only else f"{text.id}/{policy}"
                    write = case_line if suffix == ".jsonl" else _test
                    file.write(write(name, text, policy, label))
                    written += 1
    except OSError as error:
        raise InvalidSettings(f"--export {path}: {error.strerror}") from None
    return written


_PROMPTFOO_HEAD = """# Cases of {version}. `{{{{text}}}}` is to be judged under `{{{{policy}}}}`.
tests:
"""


def case_line(name: str, text: LabelledText, policy: str, label: str) -> str:
    """A case as a line of `cases.jsonl`."""
    fields: dict[str, object] = {"id": name, "text": text.text, "policy": policy, "label": label}
    facts = {"lang": text.language, "group": text.group, "context": _context(text.setting)}
    fields |= {fact: each for fact, each in facts.items() if each}
    return orjson.dumps(fields).decode() + "\n"


def _context(setting: Setting | None) -> dict[str, object]:
    if setting is None:
        return {}
    messages = [{"author": author, "text": said} for author, said in setting.earlier]
    facts = {fact.name: fact.value for fact in setting.facts}
    fields = {"author": setting.author, "facts": facts, "messages": messages}
    return {name: each for name, each in fields.items() if each}


def _test(name: str, text: LabelledText, policy: str, label: str) -> str:
    metadata = {
        "language": text.language,
        "group": text.group,
        "context": _context(text.setting),
    }
    test = {
        "description": name,
        "vars": {"text": text.text, "policy": policy},
        "assert": [{"type": "equals", "value": label}],
        "metadata": {fact: word for fact, word in metadata.items() if word},
    }
    return yaml.safe_dump([test], allow_unicode=True, sort_keys=False, width=1_000)
