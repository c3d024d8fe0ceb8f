"""The policies in force: reloaded whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from consumer.domain.binding import Catalogue
from consumer.errors import InvalidPolicy
from consumer.registry import store
from consumer.registry.load import load_catalogue
from consumer.registry.pins import write_pins
from consumer.registry.store import PolicyStore, Refusal
from consumer.telemetry.telemetry import Telemetry

POLICY = """\
---
title: {title}
labels:
  HH0: allow
  HH2: block
---
HH0 is fine and HH2 is not.
"""


class StoppedClock:
    """Five seconds after 1970, for ever."""

    def now_s(self) -> float:
        return 5.0

    def wall_ms(self) -> int:
        return 5_000


class Watched:
    """A store and its files; each write gets a time of its own, as if a second had passed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.telemetry = Telemetry(StoppedClock())
        self._time_s = 1_700_000_000
        self.topic(live=1)
        self.policy("One")
        self.store = PolicyStore(root, self.telemetry)

    def write(self, name: str, content: str) -> None:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        self._time_s += 1
        os.utime(file, (self._time_s, self._time_s))

    def topic(self, live: int, more: str = "") -> None:
        self.write("chat/topic.toml", f'topics = ["chat"]\nlive = {live}\n{more}')

    def policy(self, title: str, number: int = 1) -> None:
        self.write(f"chat/v{number}/p.md", POLICY.format(title=title))

    def settle(self) -> bool:
        """Look until the files have come to rest, as the watch does."""
        self.store.reload_if_changed()
        return self.store.reload_if_changed()

    @property
    def live(self) -> tuple[str, str]:
        version = self.store.catalogue.bindings[0].live
        return version.id, version.policies[0].title

    @property
    def refused(self) -> float:
        return sum(self.refused_by_reason.values())

    @property
    def refused_by_reason(self) -> dict[str, float]:
        """Reason -> how often, for those that were."""
        name = "safeguard_policy_reloads_refused_total"
        found = {
            reason.value: self.telemetry.metrics.registry.get_sample_value(
                name, {"reason": reason.value}
            )
            for reason in Refusal
        }
        return {reason: count for reason, count in found.items() if count}


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_the_start_refuses_faults(tmp_path: Path) -> None:
    """Without a good set there is nothing to stay with: the start stops."""
    with pytest.raises(InvalidPolicy):
        PolicyStore(tmp_path, Telemetry())


def test_the_time_of_loading_is_told(watched: Watched) -> None:
    """A metric says since when the policies are in force."""
    name = "safeguard_policies_loaded_timestamp_seconds"
    assert watched.telemetry.metrics.registry.get_sample_value(name) == 5.0


def test_unchanged_files_are_not_read_again(watched: Watched) -> None:
    """A look that finds nothing new changes nothing, and the very catalogue stays."""
    before = watched.store.catalogue
    assert not watched.settle()
    assert watched.store.catalogue is before


def test_a_new_version_is_picked_up(watched: Watched) -> None:
    """A version that is published and made live judges from then on."""
    watched.policy("Two", number=2)
    watched.topic(live=2)
    assert watched.settle()
    assert watched.live == ("chat@v2", "Two")


def test_a_message_keeps_what_was_chosen(watched: Watched) -> None:
    """A catalogue that was handed out is never changed by a reload."""
    chosen = watched.store.catalogue.bindings[0].live
    watched.policy("Two", number=2)
    watched.topic(live=2)
    assert watched.settle()
    assert (chosen.id, chosen.policies[0].title) == ("chat@v1", "One")


def test_half_saved_files_wait(watched: Watched) -> None:
    """Files that changed since the last look are left until a look finds them at rest."""
    watched.policy("Two", number=2)
    assert not watched.store.reload_if_changed()
    watched.topic(live=2)
    assert not watched.store.reload_if_changed()
    assert watched.live[0] == "chat@v1"
    assert watched.store.reload_if_changed()
    assert watched.live[0] == "chat@v2"


def test_a_fault_changes_nothing(watched: Watched) -> None:
    """With one file broken none of the others is picked up; mended, all are."""
    before = watched.store.catalogue
    watched.topic(live=2, more="order = 'none'\n")
    watched.write("chat/v2/p.md", "no front matter")
    assert not watched.settle()
    assert watched.store.catalogue is before
    assert watched.refused == 1
    watched.policy("Two", number=2)
    assert watched.settle()
    assert watched.live == ("chat@v2", "Two")
    assert watched.store.catalogue.bindings[0].order == "none"


def test_a_fault_is_told_once(watched: Watched) -> None:
    """Files that stay broken are not loaded again at every look."""
    watched.write("chat/v2/p.md", "no front matter")
    assert not watched.settle()
    assert not watched.settle()
    assert watched.refused == 1


def test_a_published_version_keeps_its_text(watched: Watched) -> None:
    """The live version's text changed under its number is refused, and the old text judges on."""
    watched.policy("Changed")
    assert not watched.settle()
    assert watched.live == ("chat@v1", "One")
    assert watched.refused == 1
    assert not watched.store.reload()
    watched.policy("One")
    assert watched.settle()


def test_what_was_live_stays_published(watched: Watched) -> None:
    """A version that was live in this process may not change after it was replaced."""
    watched.policy("Two", number=2)
    watched.topic(live=2)
    assert watched.settle()
    watched.policy("Changed", number=1)
    assert not watched.settle()
    assert watched.store.catalogue.bindings[0].versions[1].policies[0].title == "One"


def test_a_version_below_the_live_one_is_published(tmp_path: Path) -> None:
    """A version below the live one was published before, so its text may not change either."""
    watched = Watched(tmp_path)
    watched.policy("Two", number=2)
    watched.topic(live=2)
    watched.store = PolicyStore(tmp_path, watched.telemetry)
    watched.policy("Changed", number=1)
    assert not watched.settle()


def test_a_draft_may_change(watched: Watched) -> None:
    """A version above the live one is a draft, as often as its author likes."""
    for title in ("Draft", "Better draft", "Best draft"):
        watched.policy(title, number=2)
        assert watched.settle()
    watched.topic(live=2)
    assert watched.settle()
    assert watched.live == ("chat@v2", "Best draft")


def test_a_roll_back(watched: Watched) -> None:
    """Making the older version live again is a change like any other."""
    watched.policy("Two", number=2)
    watched.topic(live=2)
    assert watched.settle()
    watched.topic(live=1)
    assert watched.settle()
    assert watched.live == ("chat@v1", "One")


def test_a_pin_holds_across_starts(watched: Watched) -> None:
    """A pinned version that changed between two starts stops the second one."""
    write_pins(watched.root, watched.store.catalogue.bindings[0])
    assert watched.settle()
    watched.policy("Changed")
    with pytest.raises(InvalidPolicy, match="published"):
        PolicyStore(watched.root, Telemetry())


def test_policies_that_vanish_change_nothing(watched: Watched) -> None:
    """A folder that is emptied under the service leaves the last good set in force."""
    (watched.root / "chat/topic.toml").unlink()
    assert not watched.settle()
    assert watched.live == ("chat@v1", "One")
    assert watched.refused == 1


@pytest.mark.parametrize("title", ["\x08", "2024-13-45", "!!int x"])
def test_no_file_stops_a_running_service(title: str, watched: Watched) -> None:
    """Whatever a half-finished edit holds, the reload is refused and the service goes on."""
    watched.policy(title, number=2)
    assert not watched.settle()
    assert watched.live == ("chat@v1", "One")


def test_a_file_that_cannot_be_read_changes_nothing(watched: Watched) -> None:
    """A file that vanishes between the look and the reading is a fault, not a crash."""
    (watched.root / "chat/v1/gone.md").symlink_to(watched.root / "nowhere")
    assert not watched.store.reload()
    assert watched.live == ("chat@v1", "One")


def test_refusals_are_counted_from_the_start(watched: Watched) -> None:
    """An alert on a rise needs the zero before it."""
    name = "safeguard_policy_reloads_refused_total"
    for reason in Refusal:
        found = watched.telemetry.metrics.registry.get_sample_value(name, {"reason": reason.value})
        assert found == 0.0


BOMB = "\n".join(
    f"{name}: &{name} [{','.join([f'*{earlier}'] * 9)}]"
    for name, earlier in zip("bcdefghi", "abcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (b"v1/hass_\xfc.md", POLICY.format(title="Latin-1")),
        (b"v1/bomb.md", f"---\ntitle: Words\na: &a [x]\n{BOMB}\n---\nText\n"),
        (b"v1/cut.md", POLICY[:30]),
        (b"v2/long.md", "x" * 2_000_000),
        (b"topic.toml", "topics = " + "[" * 30_000),
        (b"topic.toml", 'topics = ["chat"]\nlive = ' + "1" * 5_000),
        (b"topic.toml", 'topics = ["chat"]\nlive = 1\n' + "# \n" * 90_000),
        (b"pins.toml", "v1 = " + "[" * 30_000),
        (b"pins.toml", "v1 = 5"),
    ],
    ids=["latin-1", "bomb", "cut", "long", "brackets", "digits", "large", "pins", "odd pin"],
)
def test_a_file_that_cannot_be_taken_over_is_a_refusal(
    name: bytes, content: str, watched: Watched
) -> None:
    """It is counted, named in words that can be printed, and changes nothing."""
    before = watched.store.catalogue
    (watched.root / "chat/v2").mkdir()
    (watched.root / "chat/v2/p.md").write_text(POLICY.format(title="Two"))
    (watched.root / "chat" / os.fsdecode(name)).write_text(content)
    with capture_logs() as logs:
        assert not watched.settle()
    assert watched.store.catalogue is before
    assert watched.refused_by_reason == {"faults": 1}
    (refused,) = [line for line in logs if line["log_level"] == "error"]
    assert (refused["reason"], "chat/" in refused["faults"]) == ("faults", True)
    assert refused["faults"].encode()


@pytest.mark.parametrize("name", ["._p.md", ".#p.md", ".draft.md", "#p.md#", "p.md~", ".p.md.swp"])
def test_hidden_files_and_those_of_editors_are_passed_over(name: str, watched: Watched) -> None:
    """They change nothing, not even a published version's digest."""
    (watched.root / "chat/v1" / name).write_bytes(b"\x00\x05\x16\x07 no policy")
    assert not watched.settle()
    with capture_logs() as logs:
        assert watched.store.reload()
    assert watched.refused == 0
    assert [line["event"] for line in logs] == ["policies reloaded"]


def test_an_editors_link_to_nowhere_is_passed_over(watched: Watched) -> None:
    """Emacs locks a file that way while it is edited."""
    (watched.root / "chat/v1/.#p.md").symlink_to("somebody@somewhere.1234:5678")
    assert watched.store.reload()


@pytest.mark.parametrize("error", [ZeroDivisionError("secret"), RecursionError(), MemoryError()])
def test_an_unknown_error_is_a_refusal_too(
    error: Exception, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch goes on, and the log has the error's kind and place without its words."""

    def failing(folder: Path) -> Catalogue:
        raise error

    monkeypatch.setattr(store, "load_catalogue", failing)
    with capture_logs() as logs:
        assert not watched.store.reload()
    assert watched.refused_by_reason == {"unknown": 1}
    assert type(error).__name__ in logs[0]["faults"]
    assert "secret" not in str(logs)
    assert watched.live == ("chat@v1", "One")


def test_a_look_that_fails_ends_no_watch(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next look is made all the same."""

    def failing(folder: Path) -> list[Path]:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(store, "set_folders", failing)
        assert not watched.store.reload_if_changed()
    assert watched.refused_by_reason == {"unknown": 1}
    watched.policy("Two", number=2)
    assert watched.settle()


def test_a_changed_publication_has_a_reason_of_its_own(watched: Watched) -> None:
    """It is no slip of the pen: somebody edits what is in force."""
    watched.policy("Changed")
    assert not watched.settle()
    assert watched.refused_by_reason == {"published": 1}


def test_files_that_move_while_they_are_read_are_read_again(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the old and half of the new is a set that nobody wrote."""
    loads: list[int] = []

    def moving(folder: Path) -> Catalogue:
        loads.append(1)
        found = load_catalogue(folder)
        if len(loads) == 1:
            watched.policy("Two", number=2)
            watched.topic(live=2)
        return found

    monkeypatch.setattr(store, "load_catalogue", moving)
    assert watched.store.reload()
    assert (len(loads), watched.live[0]) == (2, "chat@v2")


def test_files_that_never_rest_are_refused(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work is bounded, and the next look tries again."""
    before = watched.store.catalogue

    def moving(folder: Path) -> Catalogue:
        watched.topic(live=1)
        return load_catalogue(folder)

    with monkeypatch.context() as patched:
        patched.setattr(store, "load_catalogue", moving)
        assert not watched.store.reload()
    assert watched.store.catalogue is before
    assert watched.refused_by_reason == {"moving": 1}
    assert watched.settle()


def test_a_swap_of_a_config_map_is_one_change(tmp_path: Path) -> None:
    """Kubernetes keeps the files in a hidden folder and turns a link to the next one at once."""
    mount, times = tmp_path / "policies", (1_700_000_000, 1_700_000_000)

    def write(name: str, live: int) -> None:
        for number in (1, 2):
            file = mount / name / f"chat/v{number}/p.md"
            file.parent.mkdir(parents=True)
            file.write_text(POLICY.format(title=f"Number {number}"))
            os.utime(file, times)
        (mount / name / "chat/topic.toml").write_text(f'topics = ["chat"]\nlive = {live}\n')
        os.utime(mount / name / "chat/topic.toml", times)

    write("..2026_01_31", live=1)
    (mount / "..data").symlink_to("..2026_01_31")
    (mount / "chat").symlink_to("..data/chat")
    telemetry = Telemetry()
    policies = PolicyStore(mount, telemetry)
    assert [binding.set_name for binding in policies.catalogue.bindings] == ["chat"]
    write("..2026_02_01", live=2)
    (mount / "..data_tmp").symlink_to("..2026_02_01")
    (mount / "..data_tmp").rename(mount / "..data")
    assert [policies.reload_if_changed(), policies.reload_if_changed()] == [False, True]
    assert policies.catalogue.bindings[0].live.number == 2


def test_what_is_not_read_is_named_in_the_log(watched: Watched) -> None:
    """A policy that somebody thinks in force is not dropped without a word."""
    watched.write("chat/v2/NEW.MD", "text")
    watched.policy("Two", number=2)
    with capture_logs() as logs:
        assert watched.store.reload()
    assert ["chat/v2/NEW.MD:1: is no policy by its name" in str(line) for line in logs] == [
        True,
        False,
    ]
