"""The command `policy export`: a version of ours as a pack that others read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from consumer.commands.evaluate.cases.own import cases_file, read_cases
from consumer.commands.packs.coded import read_coded
from consumer.commands.packs.cut import PackPolicy
from consumer.commands.packs.importer import Layout
from consumer.commands.packs.labeler import read_labeler
from consumer.commands.packs.written import (
    coded_document,
    differences,
    labeler_document,
    table_of,
)
from consumer.commands.policy import version_named
from consumer.domain.policy import Policy
from consumer.errors import InvalidSettings
from consumer.registry.load import load_catalogue


class ExportRequest(NamedTuple):
    """Which version is wanted, in which layout, and where."""

    version: str
    """As in `chat.messages@v2`."""
    layout: Layout
    out: Path


def export_pack(folder: Path, request: ExportRequest) -> int:
    """
    Write a pack, and print what it cannot say.

    Raises:
        InvalidSettings: there is no such version, the layout has no room for it, or the folder is
            there already.
        InvalidPolicy: the policies or their cases have faults.
    """
    if os.path.lexists(request.out):
        raise InvalidSettings(f"{request.out} is there already: name another folder")
    version = version_named(load_catalogue(folder), request.version)
    has_cases = os.path.lexists(cases_file(folder, version))
    cases = read_cases(folder, version) if has_cases else ()
    files: dict[str, str] = {}
    said: list[str] = []
    for policy in version.policies:
        text = _document(policy, request.layout)
        document, table = _places(policy.name, request.layout)
        files[document] = text
        said += [f"{policy.name}: {each}" for each in _not_said(policy, text, request.layout)]
        own = [case for case in cases if case.policy.name == policy.name]
        if own:
            files[table] = table_of(own)
    try:
        for name, text in files.items():
            file = request.out / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
            print(f"written: {file}")
    except OSError as error:
        raise InvalidSettings(f"{request.out} cannot be written: {error.strerror}") from None
    if said:
        print("\nnot said there:")
    for line in said:
        print(f"  {line}")
    return 0


def _document(policy: Policy, layout: Layout) -> str:
    if layout == "cope":
        return labeler_document(policy)
    return coded_document(policy, with_answers=layout == "teen-safety")


def _places(name: str, layout: Layout) -> tuple[str, str]:
    """Where the document and the table of a policy lie in a pack."""
    if layout == "teen-safety":
        return f"example_policies/{name}/policy.md", f"datasets/{name}.csv"
    return f"{name}.md", f"{name}.csv"


def _not_said(policy: Policy, text: str, layout: Layout) -> list[str]:
    """What an import of the document would not find again."""
    read = (
        read_labeler("", policy.name, text)
        if layout == "cope"
        else [read_coded("", policy.name, text)]
    )
    found = [each for each in read if isinstance(each, PackPolicy)]
    return differences(policy, found[0].policy) if found else ["its labels, in no known way"]
