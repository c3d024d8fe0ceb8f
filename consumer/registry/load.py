"""A folder of policy sets -> `Catalogue`: whole, or every fault at once."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path

from consumer.domain.binding import Binding, Catalogue
from consumer.domain.lane import lane_of
from consumer.domain.policy import USER_MESSAGE, Outcome, Policy, PolicyVersion, digest_of
from consumer.errors import Flaw, InvalidPolicy, InvalidSettings
from consumer.registry.document import read_policy
from consumer.registry.topic import TopicFile, read_topic_file

PINS = "pins.toml"
"""`v2 = "<digest>"`: what a published version's content was; written by `safeguard policy pin`."""


def load_catalogue(folder: Path) -> Catalogue:
    """
    Load every policy set of a folder.

    Raises:
        InvalidPolicy: with every fault of every file, by file and line.
    """
    flaws: list[Flaw] = []
    bindings: list[Binding] = []
    claims: list[tuple[str, list[str]]] = []
    topic_files = sorted(folder.glob("*/topic.toml"))
    if not topic_files:
        raise InvalidPolicy((Flaw(str(folder), 1, "no policy set: no */topic.toml is here"),))
    for file in topic_files:
        loaded = _load_set(folder, file, claims)
        if isinstance(loaded, Binding):
            bindings.append(loaded)
        else:
            flaws += loaded
    flaws += _claimed_twice(claims)
    if flaws:
        raise InvalidPolicy(tuple(flaws))
    return Catalogue(tuple(bindings))


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


def _load_set(
    folder: Path, file: Path, claims: list[tuple[str, list[str]]]
) -> Binding | list[Flaw]:
    shown = str(file.relative_to(folder))
    set_folder = file.parent
    content = _content(file, shown)
    topic = [content] if isinstance(content, Flaw) else read_topic_file(shown, content)
    flaws: list[Flaw] = topic if isinstance(topic, list) else []
    versions: dict[int, PolicyVersion] = {}
    pins = _read_pins(set_folder / PINS)
    if isinstance(pins, str):
        flaws.append(Flaw(str((set_folder / PINS).relative_to(folder)), 1, pins))
        pins = {}
    for version_folder in sorted(set_folder.glob("v*")):
        number = re.fullmatch(r"v([1-9]\d{0,5})", version_folder.name)
        if not version_folder.is_dir() or not number:
            continue
        version = _load_version(folder, set_folder.name, version_folder, int(number[1]))
        if isinstance(version, list):
            flaws += version
            continue
        pinned = pins.get(version_folder.name)
        if pinned is not None and pinned != version.digest:
            flaws.append(changed_version(version, str(version_folder.relative_to(folder))))
        versions[version.number] = version
    if isinstance(topic, TopicFile):
        claims.append((set_folder.name, topic.topics))
        if topic.live not in versions and not flaws:
            flaws.append(Flaw(shown, 1, f"live = {topic.live}, but there is no v{topic.live}/"))
        if not flaws:
            return _binding(set_folder.name, topic, versions)
    return flaws


def changed_version(version: PolicyVersion, shown: str) -> Flaw:
    """A published version's text changed under the same number."""
    return Flaw(
        shown,
        1,
        f"{version.id} is published and its text has changed: put the old text back and publish "
        "the new one under the next number",
    )


def _binding(name: str, topic: TopicFile, versions: dict[int, PolicyVersion]) -> Binding:
    context = topic.context_terms()
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
        outputs=topic.destinations(),
        order=topic.order,
        deadline_s=topic.deadline_s,
        max_age_s=topic.max_age_s,
        on_unjudged=Outcome(topic.on_unjudged),
        on_outage=topic.on_outage,
        lane=lane_of(topic.lane),
        start=topic.start,
        tombstones=topic.tombstones,
        budget=topic.budget_terms(),
        context=context,
        subject=topic.subject,
        versions=versions,
    )


def _suited(version: PolicyVersion, with_context: bool, subject: str) -> PolicyVersion:
    """The same texts under the same digest, for a prompt that says what the topic's texts are."""
    policies = tuple(
        replace(policy, with_context=with_context, subject=subject) for policy in version.policies
    )
    return PolicyVersion(version.set_name, version.number, policies, version.digest)


def _load_version(
    folder: Path, set_name: str, version_folder: Path, number: int
) -> PolicyVersion | list[Flaw]:
    flaws: list[Flaw] = []
    policies: list[Policy] = []
    contents: dict[str, bytes] = {}
    for file in sorted(version_folder.glob("*.md")):
        if file.name.lower() == "readme.md":
            continue
        shown = str(file.relative_to(folder))
        content = _content(file, shown)
        if isinstance(content, Flaw):
            contents[file.name] = b""
            flaws.append(content)
            continue
        contents[file.name] = content
        policy = read_policy(file, shown, content)
        if isinstance(policy, list):
            flaws += policy
        else:
            policies.append(policy)
    if not contents:
        flaws.append(Flaw(str(version_folder.relative_to(folder)), 1, "holds no policy (*.md)"))
    return flaws or PolicyVersion(set_name, number, tuple(policies), digest_of(contents))


def _content(file: Path, shown: str) -> bytes | Flaw:
    try:
        return file.read_bytes()
    except OSError as error:
        return Flaw(shown, 1, f"cannot be read: {error.strerror}")


def _read_pins(file: Path) -> dict[str, str] | str:
    """The pins, or what is wrong with them."""
    if not file.exists():
        return {}
    try:
        return {name: str(digest) for name, digest in tomllib.loads(file.read_text()).items()}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return f"the pins cannot be read, so nothing is protected: {error}"


def write_pins(folder: Path, binding: Binding) -> list[str]:
    """
    Pin the live version of a set and those before it; returns the lines that were added.

    Later numbers are drafts and may change as often as their author likes.
    """
    file = folder / binding.set_name / PINS
    pins = _read_pins(file)
    if isinstance(pins, str):
        raise InvalidPolicy((Flaw(str(file), 1, pins),))
    added = [
        f'v{number} = "{version.digest}"'
        for number, version in sorted(binding.versions.items())
        if number <= binding.live.number and f"v{number}" not in pins
    ]
    if added:
        old = file.read_text() if file.exists() else _PINS_HEAD
        file.write_text(old + "".join(line + "\n" for line in added))
    return added


_PINS_HEAD = (
    "# What each published version's content was. A version whose text changes is refused:\n"
    "# publish the new text under the next number. Written by `safeguard policy pin`.\n"
)


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
