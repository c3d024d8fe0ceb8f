"""
Filters: the learned filters that topics name, each for one version, and whether it may be used.

A filter that is broken, without evidence or without its salt refuses the policies that name it. One
for another version, model or prompt is left out, and said. None settles anything until whoever
reads the notes has read all of them, nor while they cannot be read or written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import structlog

from consumer.domain.binding import Binding, Catalogue
from consumer.domain.screening import PrefilterTerms
from consumer.errors import Flaw, InvalidPolicy, InvalidSettings
from consumer.screening.audits.terms import AuditTerms
from consumer.screening.filtering import Filtering, open_filtering
from consumer.screening.prefilter.artefact import mismatch, read_artefact
from consumer.screening.watched import PostNote

log = structlog.get_logger()

REPLACED = "other policies are in force"
UNWRITABLE = "the notes of its audits cannot be written"
UNSPOKEN = "it is not known yet how the model is asked"


class NamedFilter(NamedTuple):
    """A filter that a topic names, under the policies in force."""

    binding: Binding
    filtering: Filtering | None
    """None where it was made for another version."""
    problem: str | None
    """Why it is left out."""


class Filters:
    """Those of all policy sets, for one worker."""

    def __init__(self) -> None:
        self._named: Mapping[str, NamedFilter] = {}
        """By policy set."""
        self._unwritable: str | None = None
        self._voice: tuple[Sequence[str], Callable[[Binding], str]] | None = None
        self.post: PostNote | None = None
        """Set by whoever writes notes; without one nothing is settled."""

    def __repr__(self) -> str:
        return f"<Filters {self.standing()}>"

    def prepare(self, catalogue: Catalogue) -> None:
        """
        Read the filters of these policies, in whichever thread.

        Raises:
            InvalidPolicy: one cannot be used whatever version is live.
        """
        before = self._named
        named, flaws = {}, []
        for binding in catalogue.bindings:
            if binding.screening.prefilter is None:
                continue
            try:
                found = named_filter(binding, before.get(binding.set_name))
            except InvalidSettings as error:
                file = f"{binding.set_name}/topic.toml"
                flaws.append(Flaw(file, 1, f"[screening.prefilter] {error}"))
                continue
            named[binding.set_name] = found
            if found.problem is not None:
                log.warning("a filter is left out", set=binding.set_name, why=found.problem)
        if flaws:
            raise InvalidPolicy(tuple(flaws))
        self._named = named
        kept = self.in_use()
        for each in before.values():
            if each.filtering is not None and each.filtering not in kept:
                # What was taken under the last policies may still ask it, and nobody watches it.
                each.filtering.barred = REPLACED
        self._bar()

    def of(self, binding: Binding) -> Filtering | None:
        """The filter for the messages of a binding; it is for one version alone."""
        named = self._named.get(binding.set_name)
        if named is None or named.binding is not binding or self.post is None:
            return None
        return named.filtering

    def in_use(self) -> list[Filtering]:
        """Those whose notes are to be read."""
        return [each.filtering for each in self._named.values() if each.filtering is not None]

    def standing(self) -> dict[str, str | None]:
        """By policy set: why its filter settles nothing; None where it does. From any thread."""
        return {
            name: each.problem if each.filtering is None else each.filtering.off
            for name, each in self._named.items()
        }

    def heed_notes(self, filterings: Sequence[Filtering], unread: str | None) -> None:
        """Whether all notes of these were read: why not, or None where they were."""
        for filtering in filterings:
            filtering.unread = unread
        self._bar()

    def heed_writing(self, *, is_possible: bool) -> None:
        """Whether notes can be written now."""
        self._unwritable = None if is_possible else UNWRITABLE
        self._bar()

    def heed_voice(self, models: Sequence[str], template: Callable[[Binding], str]) -> None:
        """Which models answer, and the name of the prompt's shape for a topic at all of them."""
        self._voice = (models, template)
        self._bar()

    def _bar(self) -> None:
        for binding, filtering, _ in self._named.values():
            if filtering is not None:
                filtering.barred = (
                    filtering.unread or self._unwritable or self._unlike(binding, filtering)
                )

    def _unlike(self, binding: Binding, filtering: Filtering) -> str | None:
        if self._voice is None:
            return UNSPOKEN
        models, template = self._voice
        head = filtering.head
        return mismatch(head, head.version_digest, ",".join(models), template(binding))


def named_filter(binding: Binding, before: NamedFilter | None = None) -> NamedFilter:
    """
    The filter that a topic names; `before` is the one of the last policies in force.

    Raises:
        InvalidSettings: it is broken, without evidence, for a lower recall, or without its salt.
    """
    terms = binding.screening.prefilter
    assert terms is not None
    same = None if before is None else before.binding.screening.prefilter
    if before is not None and before.filtering is not None and terms == same:
        filtering: Filtering = before.filtering
    else:
        filtering = _opened(terms)
    head, live = filtering.head, binding.live
    problem = mismatch(head, live.digest, head.model, head.template)
    return NamedFilter(binding, filtering if problem is None else None, problem)


def _opened(terms: PrefilterTerms) -> Filtering:
    file = Path(terms.file)
    artefact = read_artefact(file)
    if artefact.digest != terms.digest:
        raise InvalidSettings(f"{file} changed while it was read: let it come to rest")
    demanded = AuditTerms(
        recall=terms.recall,
        alpha=terms.alpha,
        floor=terms.floor,
        near=terms.near,
        run_length=terms.run_length,
    )
    return open_filtering(artefact, file, Path(terms.salt_file), demanded)
