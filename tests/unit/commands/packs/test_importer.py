"""A pack becomes a set that is without fault, runs, and goes back to what it was."""

from __future__ import annotations

import os
from pathlib import Path
from typing import get_args, get_type_hints

import orjson
import pytest

from consumer.cli.policy import export, import_
from consumer.commands.check import check_policies
from consumer.commands.evaluate.cases.own import read_cases
from consumer.commands.evaluate.evaluation import evaluate_cases
from consumer.commands.evaluate.request import CasesRequest
from consumer.commands.packs.exporter import ExportRequest, export_pack
from consumer.commands.packs.importer import ImportRequest, Layout, import_pack
from consumer.dev.safeguard.server import StandInSafeguard
from consumer.domain.policy import PolicyVersion
from consumer.errors import InvalidPolicy, InvalidSettings
from consumer.registry.load import load_catalogue
from consumer.settings.load import load_settings
from tests.unit.commands.packs.packs import GUIDE, NAGGING, RIVER, SHOP, teen_pack


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    return tmp_path / "policies"


def bring(policies: Path, source: Path, layout: Layout = "teen-safety", topic: str = "in") -> None:
    assert import_pack(policies, ImportRequest(source, layout, topic)) == 0


def live(policies: Path) -> PolicyVersion:
    return load_catalogue(policies).bindings[0].live


def test_a_pack_imports_and_checks_clean(
    tmp_path: Path, policies: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was left out is shown by file and line, and kept beside the set with the licence."""
    bring(policies, teen_pack(tmp_path / "pack"))
    said = capsys.readouterr().out
    assert "river-stunts: RS0 allow, RS1 flag, RS2 flag; 4 rules, 2 examples" in said
    assert "datasets/river-stunts.csv: 6 cases of river-stunts" in said
    place = "example_policies/river-stunts/policy.md"
    assert f"  {place}:22: says how to answer: Output: `VALID` where it is plain." in said
    assert f"  {place}:51: to escalate is no outcome" in said
    assert "  datasets/river-stunts.csv:7: an answer has one label, here is RS1, RS2" in said
    notes = (policies / "in" / "IMPORTED.md").read_text()
    assert notes.startswith("# Imported from pack, as teen-safety\n")
    assert f"{place}:51" in notes
    assert (policies / "in" / "USAGE_POLICY").read_text() == "be kind\n"
    assert check_policies(policies) == 0
    said = capsys.readouterr().out
    assert "1 policy, 6 cases" in said
    assert said.endswith("no faults\n")


async def test_an_imported_pack_is_evaluated(tmp_path: Path, policies: Path) -> None:
    """Prompts and replies apart, by the judging of workers."""
    bring(policies, teen_pack(tmp_path / "pack"))
    async with StandInSafeguard() as server:
        changes = {"inference.endpoint": server.base_url, "policies.folder": str(policies)}
        report = tmp_path / "report.json"
        asked = CasesRequest("in", results=tmp_path / "results.jsonl", reports=(report,))
        assert (
            await evaluate_cases(load_settings(None, changes, environment={}), asked, as_json=False)
            == 0
        )
    (run,) = orjson.loads(report.read_bytes())["runs"]
    assert run["accuracy"]["value"] == 1
    assert {(part["name"], part["texts"]) for part in run["slices"]} == {
        ("prompt", 3),
        ("reply", 3),
    }


@pytest.mark.parametrize(
    ("layout", "text"),
    [("teen-safety", RIVER), ("markdown", GUIDE), ("cope", NAGGING), ("teen-safety", SHOP)],
)
def test_there_and_back(tmp_path: Path, layout: Layout, text: str) -> None:
    """What was imported, exported and imported again is the same policy, by its digest."""
    pack = teen_pack(tmp_path / "pack")
    (pack / "example_policies" / "river-stunts" / "policy.md").write_text(text)
    once, again = tmp_path / "once", tmp_path / "again"
    bring(once, pack, layout)
    assert export_pack(once, ExportRequest("in@v1", layout, tmp_path / "back")) == 0
    bring(again, tmp_path / "back", layout)
    assert live(again).digest == live(once).digest
    if text == RIVER:
        first, second = (read_cases(folder, live(folder)) for folder in (once, again))
        assert [(c.text, c.label) for c in first] == [(c.text, c.label) for c in second]
        assert len(first) == 6


def test_what_another_layout_cannot_say(
    tmp_path: Path, policies: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A block is INVALID there like a flag; a labeler has no room for three labels."""
    bring(policies, teen_pack(tmp_path / "pack"))
    file = policies / "in" / "v1" / "river-stunts.md"
    changed = file.read_text().replace("RS2: flag", "RS2: block").replace("Steps", "Wholly")
    file.write_text(changed.replace("effort: low", "effort: high"))
    capsys.readouterr()
    export_pack(policies, ExportRequest("in@v1", "markdown", tmp_path / "back"))
    said = capsys.readouterr().out
    assert "river-stunts: label RS2 is block here; there it reads as flag" in said
    assert "severity, effort and second look have no place there" in said
    with pytest.raises(InvalidSettings, match="has 3 labels and a labeler has one"):
        export_pack(policies, ExportRequest("in@v1", "cope", tmp_path / "other"))
    with pytest.raises(InvalidSettings, match="no version in@v7"):
        export_pack(policies, ExportRequest("in@v7", "cope", tmp_path / "other"))
    with pytest.raises(InvalidSettings, match="is there already"):
        export_pack(policies, ExportRequest("in@v1", "markdown", tmp_path / "back"))


def test_our_own_policies_as_packs(tmp_path: Path) -> None:
    """Whatever is shipped can be written, and read again with its labels."""
    shipped = Path(__file__).parents[4] / "policies"
    for binding in load_catalogue(shipped).bindings:
        out = tmp_path / binding.set_name
        export_pack(shipped, ExportRequest(binding.live.id, "teen-safety", out))
        bring(tmp_path / "policies", out, topic=binding.set_name)
    for binding in load_catalogue(tmp_path / "policies").bindings:
        theirs = load_catalogue(shipped).binding_for(binding.set_name)
        assert theirs is not None
        assert [p.labels for p in binding.live.policies] == [p.labels for p in theirs.live.policies]


def test_documents_that_are_no_policies_are_passed_over(
    tmp_path: Path, policies: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And named; so is a table that belongs to none, and a file of another kind."""
    pack = teen_pack(tmp_path / "pack")
    (pack / "annex.md").write_text("# Names\n\nOnly names.\n")
    (pack / "other.csv").write_text("text,label\nx,ZZ\n")
    (pack / "picture.png").write_bytes(b"\x89PNG")
    bring(policies, pack)
    said = capsys.readouterr().out
    assert "  annex.md:1: no heading names a label" in said
    assert "  other.csv: no policy has the labels of this table" in said
    assert "  picture.png\n" in said


def test_nothing_is_written_where_something_is_wrong(tmp_path: Path, policies: Path) -> None:
    """No pack, no policy in it, two of one name, too many labels: each by name."""
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InvalidSettings, match="there is no such folder"):
        bring(policies, tmp_path / "nowhere")
    with pytest.raises(InvalidSettings, match="holds no document"):
        bring(policies, empty)
    (empty / "a.md").write_text("# Only words\n")
    with pytest.raises(InvalidPolicy, match="no heading names a label"):
        bring(policies, empty)
    many = "\n\n".join(f"## Things (A{n} - things)\n\n- words" for n in range(14))
    (empty / "a.md").write_text(many)
    with pytest.raises(InvalidPolicy, match="labels"):
        bring(policies, empty)
    (empty / "a.md").write_text(GUIDE)
    (empty / "A.markdown").write_text(GUIDE)
    with pytest.raises(InvalidPolicy, match="another document is called a as well"):
        bring(policies, empty)
    (empty / "A.markdown").write_bytes(b"# caf\xe9 (A1)\n")
    with pytest.raises(InvalidPolicy, match="not UTF-8"):
        bring(policies, empty)
    with pytest.raises(InvalidSettings, match="no name of a Kafka topic"):
        bring(policies, teen_pack(tmp_path / "pack"), topic="a/b")
    assert not policies.exists()


def test_what_is_there_stays(tmp_path: Path, policies: Path) -> None:
    """A folder, and a topic that another set binds."""
    pack = teen_pack(tmp_path / "pack")
    bring(policies, pack)
    with pytest.raises(InvalidSettings, match="is there already"):
        bring(policies, pack)
    with pytest.raises(InvalidSettings, match="in is bound by"):
        import_pack(policies, ImportRequest(pack, "teen-safety", "in", policies / "new"))
    assert sorted(os.listdir(policies)) == ["in"]


def test_a_terminal_obeys_no_pack(
    tmp_path: Path, policies: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Words of a pack are shown as what they are."""
    pack = teen_pack(tmp_path / "pack")
    file = pack / "example_policies" / "river-stunts" / "policy.md"
    file.write_text(RIVER.replace("Output: `INVALID`", "Output: \x1b]0;x\x07 INVALID", 1))
    bring(policies, pack)
    said = capsys.readouterr().out
    assert "\\x1b]0;x" in said
    assert "\x1b" not in said


def test_the_commands_know_every_layout() -> None:
    """And no other."""
    for command in (import_, export):
        assert get_args(get_type_hints(command)["layout"]) == get_args(Layout)
