"""Policies: every version that there is, to be read."""

from __future__ import annotations

from starlette.responses import Response

from consumer.domain.binding import Binding
from consumer.domain.policy import PolicyVersion
from consumer.review.cases.ruling import ActRefused
from consumer.review.console.console import Console, PageRequest, page


def show(console: Console, asked: PageRequest) -> Response:
    """All sets with their versions."""
    sets = [
        {
            "name": binding.set_name,
            "topics": binding.patterns,
            "live": binding.live.id,
            "versions": versions_of(binding),
        }
        for binding in sorted(console.room.catalogue.bindings, key=lambda each: each.set_name)
    ]
    return page(console, asked, "policies.html", sets=sets)


def show_version(console: Console, asked: PageRequest) -> Response:
    """One version: labels, rules and texts."""
    name, number = asked.path["set"], asked.path["number"]
    for binding in console.room.catalogue.bindings:
        for version in versions_of(binding):
            if (binding.set_name, str(version.number)) == (name, number):
                is_live = version.id == binding.live.id
                return page(console, asked, "version.html", version=version, is_live=is_live)
    raise ActRefused(f"there is no version {name}@v{number}")


def versions_of(binding: Binding) -> list[PolicyVersion]:
    """The newest first."""
    every = {binding.live.number: binding.live} | dict(binding.versions)
    return [every[number] for number in sorted(every, reverse=True)]
