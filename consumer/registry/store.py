"""The policies in force: reloaded whole or not at all; the last good set stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import structlog

from consumer.domain.binding import Catalogue
from consumer.errors import InvalidPolicy
from consumer.registry.load import changed_version, load_catalogue
from consumer.telemetry.metrics import Metrics

log = structlog.get_logger()

_Look = tuple[tuple[str, int, int], ...]


class PolicyStore:
    """Holds a catalogue, and replaces it when the files have changed and are without fault."""

    def __init__(self, folder: Path, metrics: Metrics, wall_ms: Callable[[], int]) -> None:
        self._folder = folder
        self._metrics = metrics
        self._wall_ms = wall_ms
        self._published: dict[str, str] = {}
        """Version id -> digest, of every version that has been live in this process."""
        self._loaded: _Look = ()
        """How the files looked when they were last loaded, for good or not."""
        self._seen: _Look = ()
        self._catalogue = self._load()

    @property
    def catalogue(self) -> Catalogue:
        return self._catalogue

    def reload_if_changed(self) -> bool:
        """
        Look at the files' times and sizes, and reload where they differ and have come to rest.

        Files that changed since the last look may be half saved: they wait for the next one.
        """
        look = self._look()
        is_at_rest, self._seen = look == self._seen, look
        return is_at_rest and look != self._loaded and self.reload()

    def reload(self) -> bool:
        """
        Load the files anew. Returns whether they are in force now.

        A fault is logged, with every line that has one, and changes nothing.
        """
        try:
            self._catalogue = self._load()
        except InvalidPolicy as error:
            self._metrics.reloads_refused.inc()
            log.error("policies not reloaded: the last good ones stay", faults=str(error))
            return False
        log.info(
            "policies reloaded", live=[binding.live.id for binding in self._catalogue.bindings]
        )
        return True

    def _load(self) -> Catalogue:
        self._loaded = self._seen = self._look()
        catalogue = load_catalogue(self._folder)
        versions = [
            version for binding in catalogue.bindings for version in binding.versions.values()
        ]
        changed = [
            changed_version(version, f"{version.set_name}/v{version.number}")
            for version in versions
            if self._published.get(version.id, version.digest) != version.digest
        ]
        if changed:
            raise InvalidPolicy(tuple(changed))
        self._published |= {
            version.id: version.digest
            for binding in catalogue.bindings
            for version in binding.versions.values()
            if version.number <= binding.live.number
        }
        self._metrics.policies_loaded.set(self._wall_ms() / 1_000)
        return catalogue

    def _look(self) -> _Look:
        """What the files look like from outside: enough to see that somebody saved one."""
        found: list[tuple[str, int, int]] = []
        for pattern in ("*/topic.toml", "*/pins.toml", "*/v*/*.md"):
            for file in sorted(self._folder.glob(pattern)):
                try:
                    status = file.stat()
                except OSError:
                    continue
                found.append((str(file), status.st_mtime_ns, status.st_size))
        return tuple(found)
