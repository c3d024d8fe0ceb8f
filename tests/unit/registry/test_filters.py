"""Filters beside the policies: found with their digest, refused by name, seen when swapped."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

import pytest

from consumer.commands.check import check_policies
from consumer.domain.binding import Catalogue
from consumer.domain.screening import FilterTerms
from consumer.errors import Flaw, InvalidPolicy
from consumer.kafka.cluster.audits import AUDITS_TOPIC, audits_steps
from consumer.registry.load import load_catalogue
from consumer.registry.store import PolicyStore
from consumer.screening.prefilter.artefact import write_artefact
from consumer.telemetry.telemetry import Telemetry
from tests.salt import SALT
from tests.unit.registry.test_load import Folder
from tests.unit.screening.prefilter.filters import by_hand

TABLE = '[screening.prefilter]\nfile = "f"\nsalt_file = "salt"\nrecall = 0.95\n'


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path)
    folder.topic(TABLE)
    folder.write("chat/filters/f", b"one")
    folder.write("chat/salt", SALT)
    return folder


def test_what_is_written_is_what_holds(folder: Folder) -> None:
    folder.topic(TABLE + "alpha = 0.1\nfloor = 0.03\nnear = 0.4\nrun_length = 500\n")
    assert folder.load().screening.prefilter == FilterTerms(
        str(folder.root / "chat/filters/f"),
        blake2b(b"one", digest_size=16).hexdigest(),
        str(folder.root / "chat/salt"),
        0.95,
        0.1,
        0.03,
        0.4,
        500.0,
    )


def test_what_is_left_out_has_the_terms_that_the_code_has(folder: Folder) -> None:
    folder.topic('[screening.prefilter]\nfile = "f"\nsalt_file = "/run/salt"\n')
    found = folder.load().screening.prefilter
    assert found is not None
    assert found == FilterTerms(found.file, found.digest, "/run/salt")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("near = 0.01\n", "near must not be less than floor"),
        ("floor = 0.0001\n", "floor"),
        ("run_length = 99\n", "run_length"),
        ("alpha = 0.6\n", "alpha"),
        ("near_share = 0.1\n", "near_share"),
    ],
)
def test_what_cannot_hold_is_refused_by_name(folder: Folder, written: str, said: str) -> None:
    folder.topic(TABLE + written)
    assert said in folder.flaw()


def test_a_filter_that_is_not_there_is_refused_by_name(folder: Folder) -> None:
    (folder.root / "chat/filters/f").unlink()
    assert folder.flaw().startswith("chat/filters/f:1: ")
    folder.topic(TABLE.replace('"f"', '"../f"'))
    assert "must be the name of a file in the set's folder filters/" in folder.flaw()


def test_a_swapped_filter_is_picked_up_and_a_refused_one_is_not(folder: Folder) -> None:
    """Nor is a version held to be published that came with it."""
    refused: list[str] = []

    def prepare(catalogue: Catalogue) -> None:
        terms = catalogue.bindings[0].screening.prefilter
        if terms is not None and terms.digest in refused:
            raise InvalidPolicy((Flaw("chat/topic.toml", 1, "no good"),))

    store = PolicyStore(folder.root, Telemetry(), prepare)
    before = store.catalogue
    refused.append(blake2b(b"three", digest_size=16).hexdigest())
    folder.write("chat/filters/f", b"three")
    assert [store.reload_if_changed() for _ in range(2)] == [False, False]
    assert store.catalogue is before
    folder.write("chat/filters/f", b"two more")
    assert [store.reload_if_changed() for _ in range(2)] == [False, True]


def test_the_check_refuses_a_broken_filter_and_warns_of_one_for_another_version(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(
        InvalidPolicy, match=r"chat/topic.toml:1: \[screening.prefilter\] .*no filter"
    ):
        check_policies(folder.root)
    write_artefact(folder.root / "chat/filters/f", by_hand())
    assert check_policies(folder.root) == 0
    assert "made for policy version 'd1'" in capsys.readouterr().out
    live = folder.load().live.digest
    write_artefact(folder.root / "chat/filters/f", by_hand(version_digest=live))
    assert check_policies(folder.root) == 0
    assert "[screening.prefilter]" not in capsys.readouterr().out
    (folder.root / "chat/salt").unlink()
    with pytest.raises(InvalidPolicy, match=r"salt of the audits in .* cannot be read"):
        check_policies(folder.root)


def test_the_topic_of_the_notes_is_wanted_only_where_a_filter_is_named(folder: Folder) -> None:
    """Kept for ever: who had not read an alarm would go on."""
    catalogue = load_catalogue(folder.root)
    (step,) = audits_steps(catalogue, {"chat": 1})
    assert (step.topic, step.partitions, step.is_needed) == (AUDITS_TOPIC, 1, True)
    assert step.config["retention.ms"] == "-1"
    assert "the filter of chat settles nothing" in step.problem
    assert audits_steps(catalogue, {AUDITS_TOPIC: 1}) == []
    folder.topic("")
    assert audits_steps(load_catalogue(folder.root), {"chat": 1}) == []
