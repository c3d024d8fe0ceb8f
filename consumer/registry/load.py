"""A folder of policy sets -> `Catalogue`: whole, or every fault at once."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

from consumer.domain.binding import Binding, Catalogue
from consumer.domain.lane import lane_of
from consumer.domain.policy import USER_MESSAGE, Outcome, Policy, PolicyVersion, digest_of
from consumer.domain.screening import FilterTerms, ListTerms, ScreeningTerms
from consumer.errors import Flaw, InvalidPolicy, InvalidSettings
from consumer.files import as_saved_anywhere, is_printable, names_in, printable, read_file
from consumer.registry.document import read_policy
from consumer.registry.filters import read_filter
from consumer.registry.lines import TOML_BYTES_MAX
from consumer.registry.lists import read_lists
from consumer.registry.pins import PINS, flaws_of_change, read_pins
from consumer.registry.rounds import rounds
from consumer.registry.topic.file import TopicFile, read_topic_file

TOPIC_FILE = "topic.toml"
POLICY_BYTES_MAX = 1_000_000
"""Of a policy file; what the model could not keep in mind is refused long before."""
POLICIES_MAX = 64
"""Of one version; each is a call for every message, so more would be a mistake."""
UNPRINTABLE = "the name is not UTF-8 on one line: rename it"
_VERSION = re.compile(r"v([1-9][0-9]{0,5})")


def load_catalogue(folder: Path) -> Catalogue:
    """
    Load every policy set of a folder.

    Raises:
        InvalidPolicy: with every fault of every file, by file and line.
    """
    flaws: list[Flaw] = []
    bindings: list[Binding] = []
    claims: list[tuple[str, list[str]]] = []
    sets = set_folders(folder)
    flaws += _unlisted(folder)
    if not sets and not flaws:
        raise InvalidPolicy((Flaw(printable(folder), 1, _why_empty(folder)),))
    for set_folder in sets:
        loaded = _load_set(folder, set_folder, claims)
        if isinstance(loaded, Binding):
            bindings.append(loaded)
        else:
            flaws += loaded
    flaws += _claimed_twice(claims)
    catalogue = Catalogue(tuple(bindings))
    flaws = flaws or rounds(catalogue)
    if flaws:
        raise InvalidPolicy(tuple(flaws))
    return catalogue


def binding_of(catalogue: Catalogue, topic: str) -> Binding:
    """
    The binding of a topic that somebody named: an input, or its retry topic.

    Raises:
        InvalidSettings: no policy binds the topic.
    """
    binding = catalogue.binding_for(topic)
    if binding is None:
        raise InvalidSettings(f"no policy binds the topic {topic}: `safeguard policy show`")
    return binding


def _why_empty(folder: Path) -> str:
    """Why no policy set is found there, and what to do."""
    names = names_in(folder)
    if isinstance(names, str) and os.path.lexists(folder):
        return names
    if os.path.lexists(folder / TOPIC_FILE):
        return "is itself a policy set: give the folder that holds it"
    return "no policy set: no */topic.toml is here; `safeguard policy new` begins one"


def _unlisted(folder: Path) -> list[Flaw]:
    """Folders that may be policy sets and cannot be looked into: they are not simply gone."""
    names = names_in(folder)
    problems = [] if isinstance(names, str) else [(name, names_in(folder / name)) for name in names]
    return [
        Flaw(printable(name), 1, found)
        for name, found in problems
        if isinstance(found, str) and os.path.isdir(folder / name)
    ]


def set_folders(folder: Path) -> list[Path]:
    """The policy sets of a folder, sorted: what holds a topic.toml, whatever that is."""
    names = names_in(folder)
    if isinstance(names, str):
        return []
    return [folder / name for name in names if os.path.lexists(folder / name / TOPIC_FILE)]


def version_folders(set_folder: Path) -> dict[int, Path]:
    """The versions of a set by number: the folders whose name is v and that number."""
    names = names_in(set_folder)
    numbers = [] if isinstance(names, str) else map(_VERSION.fullmatch, names)
    return {
        int(number[1]): set_folder / number[0]
        for number in numbers
        if number is not None and os.path.isdir(set_folder / number[0])
    }


def is_policy(name: str) -> bool:
    """Whether a file of a version's folder, by its name, is one of the version's policies."""
    return name.endswith(".md") and name.lower() != "readme.md"


def _load_set(
    folder: Path, set_folder: Path, claims: list[tuple[str, list[str]]]
) -> Binding | list[Flaw]:
    shown = _shown(set_folder / TOPIC_FILE, folder)
    if not is_printable(set_folder.name):
        return [Flaw(shown, 1, UNPRINTABLE)]
    content = read_file(set_folder / TOPIC_FILE, TOML_BYTES_MAX)
    topic = (
        [Flaw(shown, 1, content)] if isinstance(content, str) else read_topic_file(shown, content)
    )
    flaws: list[Flaw] = topic if isinstance(topic, list) else []
    versions: dict[int, PolicyVersion] = {}
    pins = read_pins(set_folder / PINS)
    if isinstance(pins, str):
        flaws.append(Flaw(_shown(set_folder / PINS, folder), 1, pins))
        pins = {}
    for number, version_folder in version_folders(set_folder).items():
        version = _load_version(folder, set_folder.name, version_folder, number)
        if isinstance(version, list):
            flaws += version
            continue
        pin = pins.get(version_folder.name)
        if pin is not None:
            flaws += flaws_of_change(version, pin, _shown(version_folder, folder))
        versions[version.number] = version
    if isinstance(topic, TopicFile):
        claims.append((set_folder.name, topic.topics))
        if topic.live not in versions and not flaws:
            flaws.append(Flaw(shown, 1, f"live = {topic.live}, but there is no v{topic.live}/"))
        lists = read_lists(set_folder, topic.screening.lists, lambda file: _shown(file, folder))
        flaws += [each for each in lists if isinstance(each, Flaw)]
        filters = {
            stage: read_filter(set_folder, table, lambda file: _shown(file, folder))
            for stage, table in topic.screening.filters.items()
        }
        flaws += [each for each in filters.values() if isinstance(each, Flaw)]
        if not flaws:
            screening = topic.screening.terms(
                tuple(each for each in lists if isinstance(each, ListTerms)),
                {s: each for s, each in filters.items() if isinstance(each, FilterTerms)},
            )
            return _binding(set_folder.name, topic, versions, screening)
    return flaws


def _binding(
    name: str,
    topic: TopicFile,
    versions: dict[int, PolicyVersion],
    screening: ScreeningTerms,
) -> Binding:
    context = topic.context.terms() if topic.context else None
    with_context = context is not None
    if with_context or topic.subject != USER_MESSAGE:
        versions = {
            number: _suited(version, with_context, topic.subject)
            for number, version in versions.items()
        }
    return Binding(
        set_name=name,
        patterns=tuple(topic.topics),
        live=versions[topic.live],
        reading=topic.reading(),
        outputs=topic.outputs.terms(),
        order=topic.order,
        deadline_s=topic.deadline_s,
        max_age_s=topic.max_age_s,
        on_unjudged=Outcome(topic.on_unjudged),
        on_outage=topic.on_outage,
        lane=lane_of(topic.lane),
        start=topic.start,
        tombstones=topic.tombstones,
        budget=topic.budget.terms() if topic.budget else None,
        gate=topic.gate.terms(),
        context=context,
        subject=topic.subject,
        review=topic.review.terms() if topic.review else None,
        screening=screening,
        versions=versions,
    )


def _suited(version: PolicyVersion, with_context: bool, subject: str) -> PolicyVersion:
    """The same texts under the same digest, for a prompt that says what the topic's texts are."""
    policies = tuple(
        replace(policy, with_context=with_context, subject=subject) for policy in version.policies
    )
    return PolicyVersion(version.set_name, version.number, policies, version.digest, version.files)


def _load_version(
    folder: Path, set_name: str, version_folder: Path, number: int
) -> PolicyVersion | list[Flaw]:
    flaws: list[Flaw] = []
    policies: list[Policy] = []
    contents: dict[str, bytes] = {}
    names = names_in(version_folder)
    if isinstance(names, str):
        return [Flaw(_shown(version_folder, folder), 1, names)]
    names = [name for name in names if is_policy(name)]
    if not names:
        flaws.append(Flaw(_shown(version_folder, folder), 1, "holds no policy (*.md)"))
    if len(names) > POLICIES_MAX:
        problem = f"holds {len(names)} policies: each is a call, and at most {POLICIES_MAX} may be"
        return [Flaw(_shown(version_folder, folder), 1, problem)]
    for name in names:
        shown = _shown(version_folder / name, folder)
        content = read_file(version_folder / name, POLICY_BYTES_MAX)
        if isinstance(content, str) or not is_printable(name):
            flaws.append(Flaw(shown, 1, content if isinstance(content, str) else UNPRINTABLE))
            continue
        contents[name] = as_saved_anywhere(content)
        policy = read_policy(version_folder / name, shown, content)
        if isinstance(policy, list):
            flaws += policy
        else:
            policies.append(policy)
    files = {name: digest_of({name: content}) for name, content in contents.items()}
    return flaws or PolicyVersion(set_name, number, tuple(policies), digest_of(contents), files)


def _shown(file: Path, folder: Path) -> str:
    return printable(file.relative_to(folder))


def _claimed_twice(claims: list[tuple[str, list[str]]]) -> list[Flaw]:
    owners: dict[str, str] = {}
    flaws: list[Flaw] = []
    for set_name, patterns in claims:
        for pattern in patterns:
            if pattern in owners:
                flaws.append(
                    Flaw(
                        f"{set_name}/topic.toml",
                        1,
                        f"topics: {pattern} is bound by {owners[pattern]}/topic.toml already",
                    )
                )
            owners[pattern] = set_name
    return flaws
