"""The command `policy check`: every fault and every warning of policies, topics and cases."""

from __future__ import annotations

import os
from pathlib import Path

from consumer.commands.evaluate.cases.own import cases_file, read_cases
from consumer.domain.binding import Binding
from consumer.domain.counted import counted
from consumer.domain.policy import Policy, PolicyVersion
from consumer.domain.verdicts.verdict import Cause
from consumer.errors import Flaw, InvalidPolicy, InvalidSettings
from consumer.files import as_saved_anywhere, read_file
from consumer.registry.advice import advice_on_policy, advice_on_topic
from consumer.registry.load import POLICY_BYTES_MAX, load_catalogue
from consumer.registry.strays import strays_in
from consumer.screening.decision.deciding import policies_without_question
from consumer.screening.filters import named_filter, stages_of


def check_policies(folder: Path) -> int:
    """
    Print what there is and what is doubtful.

    Raises:
        InvalidPolicy: with every fault, of the cases where the policies have none.
    """
    catalogue = load_catalogue(folder)
    faults: list[Flaw] = []
    warnings = strays_in(folder)
    for binding in catalogue.bindings:
        _look_at_filters(binding, faults, warnings)
        warnings += advice_on_topic(binding, f"{binding.set_name}/topic.toml")
        for version in binding.versions.values():
            live = "live " if version is binding.live else "     "
            print(f"{live}{version.id}  {version.digest}  {_contents(folder, version, faults)}")
            # What was replaced may not change any more, so advice about it helps nobody.
            if version.number >= binding.live.number:
                warnings += _advice(folder, binding, version)
    for warning in warnings:
        print(f"warning: {warning}")
    if faults:
        raise InvalidPolicy(tuple(faults))
    count = f", {counted(len(warnings), 'warning')}" if warnings else ""
    print(f"no faults{count}")
    return 0


def _look_at_filters(binding: Binding, faults: list[Flaw], warnings: list[Flaw]) -> None:
    """One that is broken is a fault; one for another version is left out by workers."""
    file = f"{binding.set_name}/topic.toml"
    for stage in stages_of(binding):
        where = f"[screening.{stage.value}]"
        try:
            problem = named_filter(binding, stage).problem
        except InvalidSettings as error:
            faults.append(Flaw(file, 1, f"{where} {error}"))
            continue
        if problem is not None:
            warnings.append(Flaw(file, 1, f"{where} {problem}"))
        if stage is Cause.DECISION:
            warnings += _asked_by_title(binding.live)


def _asked_by_title(version: PolicyVersion) -> list[Flaw]:
    """A title names a subject and asks nothing."""
    problem = "a decision endpoint is asked about it by its title: `question` in the front matter "
    problem += "says in one sentence what is true of a text that is not allowed"
    return [
        Flaw(f"{version.set_name}/v{version.number}/{name}.md", 1, problem)
        for name in policies_without_question(version)
    ]


def _contents(folder: Path, version: PolicyVersion, faults: list[Flaw]) -> str:
    policies = counted(len(version.policies), "policy", "policies")
    if not os.path.lexists(cases_file(folder, version)):
        return f"{policies}, no cases"
    try:
        return f"{policies}, {counted(len(read_cases(folder, version)), 'case')}"
    except InvalidPolicy as error:
        faults += error.flaws
        return policies


def _advice(folder: Path, binding: Binding, version: PolicyVersion) -> list[Flaw]:
    found: list[Flaw] = []
    for policy in version.policies:
        shown = f"{binding.set_name}/v{version.number}/{policy.name}.md"
        found += advice_on_policy(policy, shown, _first_line(folder / shown, policy))
    return found


def _first_line(file: Path, policy: Policy) -> int:
    """Where the text begins in its file, behind the front matter; 1 if it is gone by now."""
    content = read_file(file, POLICY_BYTES_MAX)
    if isinstance(content, str):
        return 1
    head = as_saved_anywhere(content).decode("utf-8", "replace").removesuffix(policy.text)
    return head.count("\n") + 1
