"""`safeguard init`: looks around, writes settings that load, never over somebody's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.commands.beginning import settings_file
from consumer.commands.beginning.settings_file import InitRequest, Surroundings, chosen, init
from consumer.dev.safeguard.server import StandInSafeguard
from consumer.errors import InvalidSettings
from consumer.inference.nearby import NearbyServer, find_nearby
from consumer.settings.load import load_settings

NOWHERE = "127.0.0.1:1"
OLLAMA = NearbyServer("Ollama", "http://127.0.0.1:11434/v1", ("llama3", "gpt-oss:20b"))
STUDIO = NearbyServer("LM Studio", "http://127.0.0.1:1234/v1", ("qwen",))


@pytest.fixture(autouse=True)
def nobody_near(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs on this machine is no business of a test."""

    async def nothing() -> list[NearbyServer]:
        return []

    async def nobody(endpoint: str, kind: str) -> None:
        return None

    monkeypatch.setattr(settings_file, "find_nearby", nothing)
    monkeypatch.setattr(settings_file, "server_at", nobody)


def test_it_says_what_it_found_and_what_comes_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file loads, with the address that was told."""
    file = tmp_path / "safeguard.toml"
    assert init(InitRequest(NOWHERE), file) == 0
    said = capsys.readouterr().out
    settings = load_settings(file, environment={})
    assert settings.kafka.bootstrap_servers == NOWHERE
    assert f"nothing answers at {NOWHERE}" in said
    assert "safeguard topics apply --create-inputs" in said
    assert "safeguard stand-in" in said


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    """Without --force not a byte of it changes, and --force says that it was meant."""
    file = tmp_path / "safeguard.toml"
    file.write_text("# mine\n")
    with pytest.raises(InvalidSettings, match="is there already"):
        init(InitRequest(NOWHERE), file)
    assert file.read_text() == "# mine\n"
    assert init(InitRequest(NOWHERE, is_forced=True), file) == 0
    assert "[kafka]" in file.read_text()


@pytest.mark.parametrize("told", [{"endpoint": "no address"}, {"endpoint": "http://"}])
def test_what_is_no_setting_costs_nobody_a_file(told: dict[str, str], tmp_path: Path) -> None:
    """With --force, too: what cannot be used is refused before anything is written over."""
    file = tmp_path / "safeguard.toml"
    file.write_text("# mine\n")
    with pytest.raises(InvalidSettings, match=r"inference\.endpoint"):
        init(InitRequest(NOWHERE, is_forced=True, **told), file)
    assert file.read_text() == "# mine\n"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A folder of that name, or none at all, is a line and no traceback."""
    (tmp_path / "safeguard.toml").mkdir()
    with pytest.raises(InvalidSettings, match="cannot be written: Is a directory"):
        init(InitRequest(NOWHERE, is_forced=True), tmp_path / "safeguard.toml")
    with pytest.raises(InvalidSettings, match="cannot be written: No such file"):
        init(InitRequest(NOWHERE), tmp_path / "nowhere" / "safeguard.toml")


def test_a_server_that_was_told_is_asked_for_its_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the file would name a model that the server does not have."""

    async def told(endpoint: str, kind: str) -> NearbyServer:
        return NearbyServer(kind, endpoint, ("llama3", "gpt-oss-safeguard:20b"))

    monkeypatch.setattr(settings_file, "server_at", told)
    file = tmp_path / "safeguard.toml"
    assert init(InitRequest(NOWHERE, "http://gpu:8000/v1"), file) == 0
    assert load_settings(file, environment={}).inference.model == "gpt-oss-safeguard:20b"
    assert "http://gpu:8000/v1, as told, has llama3" in capsys.readouterr().out


def test_what_is_told_wins_over_what_is_found() -> None:
    """And a server with a model for the purpose wins over one without."""
    around = Surroundings(NOWHERE, 1, (STUDIO, OLLAMA))
    assert chosen(InitRequest(), around) == (OLLAMA.endpoint, "gpt-oss:20b")
    assert chosen(InitRequest(endpoint="http://x/v1", model="m"), around) == ("http://x/v1", "m")
    assert chosen(InitRequest(), around._replace(servers=(STUDIO,))) == (STUDIO.endpoint, "qwen")


def test_words_with_quotes_are_quoted(tmp_path: Path) -> None:
    """A name is data, whatever it holds."""
    file = tmp_path / "safeguard.toml"
    init(InitRequest(NOWHERE, "http://x/v1", 'my "model" \\ 1'), file)
    assert load_settings(file, environment={}).inference.model == 'my "model" \\ 1'


async def test_servers_are_found_by_asking() -> None:
    """A stand-in on another server's port is called what it is; a silent port is nothing."""
    async with StandInSafeguard() as server:
        found = await find_nearby({server.port: "vLLM", 1: "llama.cpp"})
    assert found == [NearbyServer("the stand-in", server.base_url, ("stand-in-safeguard",))]
