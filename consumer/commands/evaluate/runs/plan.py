"""What is compared: versions, models and efforts side by side, and a run once more. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from consumer.classifier.prompt import system_message
from consumer.commands.evaluate.cases.labelled import text_digest
from consumer.domain.binding import Binding
from consumer.domain.choose import choose
from consumer.domain.policy import Effort, PolicyVersion
from consumer.errors import InvalidSettings

RUNS_MAX = 12
"""Versions by models by efforts; more do not fit a page, and cost as much again each."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One way to judge all texts."""

    name: str
    """As in `v2`, `v2 high` or `v2 again`: what differs between the runs, and no more."""
    version: PolicyVersion
    alone: Mapping[str, PolicyVersion]
    """For each policy a version that holds it alone: each is asked about by a call of its own."""
    model: str
    effort: Effort | None = None
    """None leaves each policy the effort that it asks for."""
    again: int = 0
    """1 for the same once more, which shows what changes by chance."""

    def key(self, digest: str, policy: str, template: str, served: Sequence[str]) -> str:
        """
        What the answer to one question is kept under: whatever could change it is in it.

        `digest` is the text's, with all that is shown beside it.
        `served` is what the endpoint says that it serves, so that what a stand-in answered is never
        taken for a model's.
        """
        # The message as the model gets it, since a topic's own settings change it as well.
        message = system_message(self.alone[policy].policies[0])
        rendered = text_digest(message)
        effort = self.alone[policy].policies[0].effort.value
        parts = (digest, policy, self.version.digest, rendered, self.model, ",".join(served))
        words = "\n".join((*parts, template, effort, str(self.again)))
        return text_digest(words)


def runs_of(
    binding: Binding,
    versions: Sequence[str],
    models: Sequence[str],
    efforts: Sequence[str],
    *,
    with_rerun: bool,
) -> tuple[Run, ...]:
    """
    The runs in the order of the words: every version with every model and effort.

    Raises:
        InvalidSettings: a version that is not there, a word that is no effort, or too many runs.
    """
    chosen = [version_of(binding, word) for word in versions] or [choose(binding)]
    wanted: list[Effort | None] = [_effort(word) for word in efforts] or [None]
    runs = []
    for version, model, effort in product(dict.fromkeys(chosen), models, dict.fromkeys(wanted)):
        differs = [f"v{version.number}"]
        differs += [model] if len(models) > 1 else []
        differs += [effort.value] if effort else []
        runs.append(Run(" ".join(differs), version, _alone(version, effort), model, effort))
    if with_rerun:
        runs.append(replace(runs[0], name=f"{runs[0].name} again", again=1))
    if len(runs) > RUNS_MAX:
        raise InvalidSettings(f"{len(runs)} runs are asked for, at most {RUNS_MAX} at one time")
    return tuple(runs)


def version_of(binding: Binding, word: str | None) -> PolicyVersion:
    """
    The version that a word names; the live one for None.

    Raises:
        InvalidSettings: the set has no such version.
    """
    if word is None:
        return choose(binding)
    for number, version in binding.versions.items():
        if word in (version.id, f"v{number}", str(number)):
            return version
    known = ", ".join(f"v{number}" for number in sorted(binding.versions))
    raise InvalidSettings(f"--version {word}: {binding.set_name} has {known}")


def _alone(version: PolicyVersion, effort: Effort | None) -> dict[str, PolicyVersion]:
    policies = version.policies
    if effort is not None:
        policies = tuple(replace(policy, effort=effort) for policy in policies)
    return {
        policy.name: PolicyVersion(version.set_name, version.number, (policy,), version.digest)
        for policy in policies
    }


def _effort(word: str) -> Effort:
    try:
        return Effort(word)
    except ValueError:
        raise InvalidSettings(f"--effort {word}: there are {', '.join(Effort)}") from None
