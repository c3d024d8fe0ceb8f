"""The policies in force: reloaded whole or not at all; the last good set stays, come what may."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from traceback import extract_tb

import structlog

from consumer.domain.binding import Catalogue
from consumer.errors import Flaw, InvalidPolicy
from consumer.files import names_in, printable
from consumer.registry.filters import filter_files
from consumer.registry.lists import list_files
from consumer.registry.load import (
    TOPIC_FILE,
    is_policy,
    load_catalogue,
    set_folders,
    version_folders,
)
from consumer.registry.pins import PINS, Pin, flaws_of_change, pin_of
from consumer.registry.strays import strays_in
from consumer.telemetry.telemetry import Telemetry

log = structlog.get_logger()

TRIES = 3
"""How often files are read that change meanwhile; the next look at them is the next chance."""

_Look = tuple[tuple[str, int, int, int, int], ...]


class Refusal(StrEnum):
    """Why files were not taken over."""

    FAULTS = "faults"
    PUBLISHED = "published"
    """A version that was live has another text under its number."""
    MOVING = "moving"
    """They changed while they were read, each time."""
    UNKNOWN = "unknown"


class PolicyStore:
    """Holds a catalogue, and replaces it when the files have changed and are without fault."""

    def __init__(
        self,
        folder: Path,
        telemetry: Telemetry,
        prepare: Callable[[Catalogue], None] = lambda _: None,
    ) -> None:
        """`prepare` is told of each catalogue before it is in force, and may refuse it."""
        self._folder = folder
        self._prepare = prepare
        self._metrics = telemetry.metrics
        self._wall_ms = telemetry.clock.wall_ms
        self._published: dict[str, Pin] = {}
        """By version id: what every version was that has been live in this process."""
        self._loaded: _Look = ()
        """How the files looked when they were last loaded, for good or not."""
        self._seen: _Look = ()
        self._reloading = threading.Lock()
        """A signal and the watch may come at once, each in a thread of its own."""
        for reason in Refusal:
            self._metrics.policy_reloads_refused.labels(reason.value)
        self._catalogue = self._load()

    @property
    def catalogue(self) -> Catalogue:
        return self._catalogue

    def reload_if_changed(self) -> bool:
        """
        Look at the files' times and sizes, and reload where they differ and have come to rest.

        Files that changed since the last look may be half saved: they wait for the next one.
        """
        with self._reloading:
            return self._guarded(self._load_if_changed)

    def reload(self) -> bool:
        """
        Load the files anew. Returns whether they are in force now.

        A fault is counted and logged, with every line that has one, and changes nothing. Blocking.
        """
        with self._reloading:
            return self._guarded(self._load)

    def _guarded(self, load: Callable[[], Catalogue | None]) -> bool:
        """Put in force what `load` gives, if anything; whatever it raises is a refusal."""
        try:
            catalogue = load()
        except InvalidPolicy as error:
            self._refuse(Refusal(error.reason), faults=str(error))
            return False
        except Exception as error:
            # Whatever a file did to us, the service goes on under the policies that it has. The
            # error's own words may quote a policy.
            at = extract_tb(error.__traceback__)[-1]
            where = f"{type(error).__name__} in {at.name}, {at.filename}:{at.lineno}"
            self._refuse(Refusal.UNKNOWN, faults=f"an error of ours: {where}")
            return False
        if catalogue is None:
            return False
        self._catalogue = catalogue
        log.info("policies reloaded", live=[binding.live.id for binding in catalogue.bindings])
        return True

    def _refuse(self, reason: Refusal, **details: object) -> None:
        self._metrics.policy_reloads_refused.labels(reason.value).inc()
        log.error("policies not reloaded: the last good ones stay", reason=reason.value, **details)

    def _load_if_changed(self) -> Catalogue | None:
        look = self._look()
        is_at_rest, self._seen = look == self._seen, look
        return self._load() if is_at_rest and look != self._loaded else None

    def _load(self) -> Catalogue:
        catalogue = self._load_at_rest()
        versions = [
            version for binding in catalogue.bindings for version in binding.versions.values()
        ]
        changed = [
            flaw
            for version in versions
            if (pin := self._published.get(version.id)) is not None
            for flaw in flaws_of_change(version, pin, f"{version.set_name}/v{version.number}")
        ]
        if changed:
            raise InvalidPolicy(tuple(changed), Refusal.PUBLISHED)
        # It may refuse them too, and what was refused was never live.
        self._prepare(catalogue)
        self._published |= {
            version.id: pin_of(version)
            for binding in catalogue.bindings
            for version in binding.versions.values()
            if version.number <= binding.live.number
        }
        self._metrics.policies_loaded_timestamp_seconds.set(self._wall_ms() / 1_000)
        for stray in strays_in(self._folder):
            log.warning("not read, though it lies among the policies", file=str(stray))
        return catalogue

    def _load_at_rest(self) -> Catalogue:
        """Half of one state of the files and half of another is a set that nobody wrote."""
        for _ in range(TRIES):
            look = self._loaded = self._seen = self._look()
            try:
                catalogue = load_catalogue(self._folder)
            except InvalidPolicy:
                if self._look() == look:
                    raise
                continue
            if self._look() == look:
                return catalogue
        problem = f"the files changed while they were read, {TRIES} times: let them come to rest"
        raise InvalidPolicy((Flaw(printable(self._folder), 1, problem),), Refusal.MOVING)

    def _look(self) -> _Look:
        """
        What the files look like from outside: enough to see that somebody saved or swapped one.

        A link is followed. Times alone are not enough: a swapped folder may keep them.
        """
        found: list[tuple[str, int, int, int, int]] = []
        for file in self._files():
            try:
                status = file.stat()
            except (OSError, ValueError):
                found.append((str(file), 0, 0, 0, 0))
            else:
                times = (status.st_mtime_ns, status.st_ctime_ns)
                found.append((str(file), *times, status.st_size, status.st_ino))
        return tuple(found)

    def _files(self) -> Iterator[Path]:
        for set_folder in set_folders(self._folder):
            yield set_folder / TOPIC_FILE
            if os.path.lexists(set_folder / PINS):
                yield set_folder / PINS
            yield from list_files(set_folder)
            yield from filter_files(set_folder)
            for folder in version_folders(set_folder).values():
                names = names_in(folder)
                if not isinstance(names, str):
                    yield from (folder / name for name in names if is_policy(name))
