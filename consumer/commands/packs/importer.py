"""The command `policy import`: a pack of others becomes a policy set, and says what it lacks."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from consumer.commands.beginning.policy_set import TOPIC, topic_text
from consumer.commands.dead_letters.letter import printable
from consumer.commands.evaluate.cases.own import FILE as CASES_FILE
from consumer.commands.evaluate.report.export import case_line
from consumer.commands.packs.coded import read_coded
from consumer.commands.packs.cut import Cut, PackCases, PackPolicy
from consumer.commands.packs.folder import PackFolder, PackTable, read_folder
from consumer.commands.packs.front import document_of
from consumer.commands.packs.labeler import read_labeler
from consumer.commands.packs.table import hits_of, read_table
from consumer.domain.counted import counted
from consumer.domain.policy import Policy
from consumer.errors import Flaw, InvalidPolicy, InvalidSettings
from consumer.registry.document import read_policy
from consumer.registry.load import TOPIC_FILE, load_catalogue, set_folders

Layout = Literal["teen-safety", "cope", "markdown"]
NOTES = "IMPORTED.md"
"""Beside topic.toml: everything that is said here, for whoever asks later."""
SHOWN_MAX = 40
"""Lines of one list on a terminal; the notes have all of them."""


class ImportRequest(NamedTuple):
    """Which pack is wanted, and where."""

    source: Path
    layout: Layout
    topic: str
    out: Path | None = None
    """The set's folder; the topic's name among the policies by default."""


class Imported(NamedTuple):
    """What a pack came to."""

    policies: tuple[PackPolicy, ...]
    cases: tuple[PackCases, ...]
    passed_over: tuple[str, ...]

    @property
    def taken_out(self) -> list[Cut]:
        return [cut for each in self.policies for cut in each.taken_out]

    @property
    def lost(self) -> list[Cut]:
        of_policies = [cut for each in self.policies for cut in each.lost]
        return of_policies + [cut for each in self.cases for cut in each.lost]


def import_pack(folder: Path, request: ImportRequest) -> int:
    """
    Write a policy set from a pack, and print what was left out of it by file and line.

    Raises:
        InvalidSettings: there is no pack, or such a set is there already.
        InvalidPolicy: no document of it is a policy, or one makes none that could be used.
    """
    out = request.out or folder / request.topic
    _check(out, request.topic)
    pack = read_folder(request.source)
    found = imported(pack, request.layout)
    files = dict(_files(found, request))
    _check_written(files)
    _write(out, files, pack)
    for line in _lines(found, limit=SHOWN_MAX):
        print(printable(line.encode("utf-8", "replace")))
    print()
    for name in files:
        print(f"written: {out / name}")
    print()
    print("next:")
    print(f"  decide which labels block: each that is not allowed is flag in {out / 'v1'}")
    print(f"  safeguard policy check {out.parent}")
    print(f"  safeguard evaluate --topic {request.topic}")
    return 0


def imported(pack: PackFolder, layout: Layout) -> Imported:
    """
    The policies and cases of a pack. Pure.

    Raises:
        InvalidPolicy: no document of it is a policy, or two have one name.
    """
    policies: list[PackPolicy] = []
    flaws: list[Flaw] = []
    for document in pack.documents:
        name = re.sub(r"[^a-z0-9_-]+", "-", document.name).strip("-") or "policy"
        read = (
            read_labeler(document.file, name, document.text)
            if layout == "cope"
            else read_coded(document.file, name, document.text)
        )
        for each in [read] if isinstance(read, PackPolicy) else read:
            if isinstance(each, Flaw):
                flaws.append(each)
            else:
                policies.append(each)
    if not policies:
        raise InvalidPolicy(tuple(flaws))
    names = [each.policy.name for each in policies]
    twice = [each for each in policies if names.count(each.policy.name) > 1]
    if twice:
        problem = f"another document is called {twice[0].policy.name} as well: rename one"
        raise InvalidPolicy((Flaw(twice[0].file, 1, problem),))
    cases = []
    passed_over = [*(str(flaw) for flaw in flaws), *pack.others]
    for table in pack.tables:
        policy = _policy_of(table, [each.policy for each in policies])
        if policy is None:
            passed_over.append(f"{table.file}: no policy has the labels of this table")
        else:
            cases.append(read_table(table.file, table.rows, policy))
    return Imported(tuple(policies), tuple(cases), tuple(passed_over))


def _policy_of(table: PackTable, policies: Sequence[Policy]) -> Policy | None:
    """The policy that a table is of: the one of its name, else the one whose labels it holds."""
    for policy in policies:
        if policy.name == re.sub(r"[^a-z0-9_-]+", "-", table.name):
            return policy
    best = max(policies, key=lambda policy: hits_of(table.rows, policy))
    return best if hits_of(table.rows, best) else None


def _check(out: Path, topic: str) -> None:
    if not TOPIC.fullmatch(topic):
        raise InvalidSettings(f"--topic {topic!r}: no name of a Kafka topic")
    if os.path.lexists(out):
        raise InvalidSettings(
            f"{out} is there already: import beside it with --out, and copy the policies that are "
            "wanted into its next version"
        )
    if out.parent.is_dir() and set_folders(out.parent):
        bound = load_catalogue(out.parent).binding_for(topic)
        if bound is not None:
            raise InvalidSettings(
                f"{topic} is bound by {out.parent / bound.set_name} already: import under another "
                "topic, and copy the policies that are wanted into its next version"
            )


def _files(found: Imported, request: ImportRequest) -> Iterator[tuple[str, str]]:
    yield TOPIC_FILE, topic_text(request.topic)
    for each in found.policies:
        yield f"v1/{each.policy.name}.md", document_of(each.policy)
    cases = [case for each in found.cases for case in each.cases]
    if cases:
        lines = (
            case_line(c.id, c, policy, label) for c in cases for policy, label in c.known.items()
        )
        yield f"v1/{CASES_FILE}", "".join(lines)
    head = f"# Imported from {request.source.name}, as {request.layout}\n\n"
    yield NOTES, head + "".join(f"{line}\n" for line in _lines(found, limit=0))


def _check_written(files: dict[str, str]) -> None:
    """Raises InvalidPolicy where a policy could not be loaded as it would be written."""
    flaws: list[Flaw] = []
    for name, text in files.items():
        if name.endswith(".md") and name != NOTES:
            read = read_policy(Path(name), name, text.encode())
            flaws += read if isinstance(read, list) else []
    if flaws:
        raise InvalidPolicy(tuple(flaws))


def _write(out: Path, files: dict[str, str], pack: PackFolder) -> None:
    """All of it or nothing: written beside its place, then moved there."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=out.parent, prefix=".import-"))
    except OSError as error:
        raise InvalidSettings(f"{out.parent} cannot be written: {error.strerror}") from None
    try:
        (aside / "v1").mkdir()
        for name, text in files.items():
            (aside / name).write_text(text, encoding="utf-8", newline="\n")
        for name, content in pack.licences:
            (aside / name).write_bytes(content)
        aside.chmod(0o755)
        aside.rename(out)
    except OSError as error:
        raise InvalidSettings(f"{out} cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _lines(found: Imported, *, limit: int) -> Iterator[str]:
    for each in found.policies:
        policy = each.policy
        labels = ", ".join(f"{label} {outcome.value}" for label, outcome in policy.outcomes.items())
        yield (
            f"{each.file}: {policy.name}: {labels}; {counted(len(policy.rules), 'rule')}, "
            f"{counted(len(policy.examples), 'example')}, about {policy.tokens} tokens"
        )
    for table in found.cases:
        cases = counted(len(table.cases), "case")
        yield f"{table.file}: {cases} of {table.policy}"
    yield from _listed("taken out: the prompt says how to answer", found.taken_out, limit)
    yield from _listed("not carried over: say what becomes of it", found.lost, limit)
    yield from _listed("passed over", found.passed_over, limit)


def _listed(title: str, found: Sequence[Cut | str], limit: int) -> Iterable[str]:
    if not found:
        return
    yield ""
    yield f"{title} ({len(found)})"
    shown = found[:limit] if limit else found
    for each in shown:
        yield f"  {' '.join(str(each).split())}"
    if len(shown) < len(found):
        yield f"  and {len(found) - len(shown)} more, in {NOTES}"
