"""The filters that topics name: those used, those left out, and those that refuse the policies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consumer.domain.binding import Binding, Catalogue
from consumer.domain.screening import FilterTerms, ScreeningTerms
from consumer.errors import InvalidPolicy
from consumer.screening.audited import UNREAD
from consumer.screening.audits.note import AuditNote
from consumer.screening.filtering import UNSPOKEN
from consumer.screening.filters import REPLACED, UNWRITABLE, Filters
from consumer.screening.prefilter.artefact import write_artefact
from tests.builders import a_binding
from tests.salt import SALT
from tests.unit.screening.prefilter.filters import by_hand

LIVE = a_binding().live.digest


async def post(_note: AuditNote) -> None:
    """Nobody reads it."""


def named(folder: Path, demanded: float = 0.95, **changes: Any) -> Binding:
    """A binding whose filter was made as `changes` say; else for its live version."""
    artefact = by_hand(**({"version_digest": LIVE} | changes))
    file = folder / "f"
    write_artefact(file, artefact)
    (folder / "salt").write_bytes(SALT)
    terms = FilterTerms(str(file), artefact.digest, str(folder / "salt"), demanded, near=0.5)
    return a_binding(screening=ScreeningTerms(memo=None, prefilter=terms))


def ready(*bindings: Binding) -> Filters:
    """All that a filter waits for has come."""
    filters = Filters()
    filters.post = post
    filters.prepare(Catalogue(bindings))
    filters.heed_voice(["m1"], lambda _: "t1")
    filters.heed_notes(filters.in_use(), None)
    return filters


def test_it_waits_for_notes_for_a_voice_and_for_a_place_to_write(tmp_path: Path) -> None:
    binding = named(tmp_path)
    filters = Filters()
    filters.prepare(Catalogue((binding,)))
    assert filters.of(binding) is None, "nobody writes notes"
    filters.post = post
    filtering = filters.of(binding)
    assert filtering is not None
    assert filters.standing() == {binding.set_name: UNREAD}
    filters.heed_notes([filtering], None)
    assert filters.standing() == {binding.set_name: UNSPOKEN}
    filters.heed_voice(["m1"], lambda _: "t1")
    assert filters.standing() == {binding.set_name: None}
    filters.heed_writing(is_possible=False)
    assert filters.standing() == {binding.set_name: UNWRITABLE}
    filters.heed_writing(is_possible=True)
    assert filtering.off is None
    filters.heed_notes([filtering], "gone")
    assert filtering.off == "gone"


@pytest.mark.parametrize(
    ("models", "template", "said"),
    [
        (["m2"], "t1", "made for model 'm1' and 'm2' is in force"),
        (["m1", "m2"], "t1", "made for model 'm1' and 'm1,m2'"),
        (["m1"], "t2", "made for prompt template 't1' and 't2'"),
    ],
)
def test_another_model_or_prompt_bars_it(
    tmp_path: Path, models: list[str], template: str, said: str
) -> None:
    filters = ready(named(tmp_path))
    filters.heed_voice(models, lambda _: template)
    (off,) = filters.standing().values()
    assert off is not None
    assert said in off
    filters.heed_voice(["m1"], lambda _: "t1")
    assert list(filters.standing().values()) == [None]


def test_one_for_another_version_is_left_out_and_said(tmp_path: Path) -> None:
    binding = named(tmp_path, version_digest="d9")
    filters = ready(binding)
    assert filters.of(binding) is None
    assert filters.in_use() == []
    (off,) = filters.standing().values()
    assert off is not None
    assert "made for policy version 'd9'" in off
    assert off.endswith("the model must carry all messages, 5.0 times what this left it")


@pytest.mark.parametrize(
    ("demanded", "changes", "said"),
    [
        (0.99, {}, "was made for recall 0.95 and 0.99 is demanded"),
        (0.95, {"recall": 0.99}, "has no evidence for recall 0.99"),
    ],
)
def test_one_that_is_not_good_enough_refuses_the_policies(
    tmp_path: Path, demanded: float, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidPolicy, match=rf"topic.toml:1: \[screening.prefilter\] .*{said}"):
        ready(named(tmp_path, demanded, **changes))


def test_one_that_is_broken_gone_or_without_salt_refuses_the_policies(tmp_path: Path) -> None:
    binding = named(tmp_path)
    file, salt = tmp_path / "f", tmp_path / "salt"
    content = file.read_bytes()
    for change, said in (
        (lambda: file.write_bytes(content[:-1] + b"x"), "is broken: its checksum differs"),
        (lambda: file.write_bytes(b"PK"), "is no filter"),
        (lambda: write_artefact(file, by_hand(bias=-2.0)), "changed while it was read"),
        (lambda: file.unlink(), "cannot be read"),
    ):
        change()
        with pytest.raises(InvalidPolicy, match=said):
            ready(binding)
    file.write_bytes(content)
    salt.write_bytes(b"short")
    with pytest.raises(InvalidPolicy, match="has 5 bytes; it must have"):
        ready(binding)
    salt.unlink()
    with pytest.raises(InvalidPolicy, match=r"salt of the audits in .* cannot be read"):
        ready(binding)


def test_a_refused_change_leaves_the_filter_as_it_was(tmp_path: Path) -> None:
    binding = named(tmp_path)
    filters = ready(binding)
    worse = replace(binding.screening.prefilter, recall=0.99)  # type: ignore[type-var]
    with pytest.raises(InvalidPolicy):
        filters.prepare(Catalogue((replace(binding, screening=ScreeningTerms(prefilter=worse)),)))
    filtering = filters.of(binding)
    assert filtering is not None
    assert filtering.off is None


def test_a_reload_keeps_the_filter_and_what_is_known_of_it(tmp_path: Path) -> None:
    """Also where its file is gone by now: what was read is kept."""
    binding = named(tmp_path)
    filters = ready(binding)
    before = filters.of(binding)
    (tmp_path / "f").unlink()
    later = replace(binding, deadline_s=9.0)
    filters.prepare(Catalogue((later,)))
    assert filters.of(later) is before
    assert before is not None
    assert before.off is None
    assert filters.of(binding) is None, "who was taken under other policies asks the model"


def test_a_filter_that_is_replaced_settles_nothing_more(tmp_path: Path) -> None:
    binding = named(tmp_path)
    filters = ready(binding)
    before = filters.of(binding)
    assert before is not None
    filters.prepare(Catalogue((named(tmp_path, bias=-2.0),)))
    assert before.off == REPLACED
    assert list(filters.standing().values()) == [UNREAD]
    filters.prepare(Catalogue((a_binding(),)))
    assert filters.standing() == {}


def test_another_salt_is_taken_with_the_next_reload_and_a_lost_one_refuses_it(
    tmp_path: Path,
) -> None:
    """As by whoever starts then: all are to draw alike."""
    binding = named(tmp_path)
    filters = ready(binding)
    (before,) = filters.in_use()
    terms = binding.screening.prefilter
    assert terms is not None
    salt = Path(terms.salt_file)
    salt.write_bytes(b"another salt than before")
    filters.prepare(Catalogue((binding,)))
    (after,) = filters.in_use()
    assert after is not before
    assert before.off == REPLACED
    salt.unlink()
    with pytest.raises(InvalidPolicy, match=r"the salt of the audits in .* cannot be read"):
        filters.prepare(Catalogue((binding,)))
    assert filters.in_use() == [after]
