"""`[review]`: an address that can be one, and a password that is shown to nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.errors import InvalidSettings
from consumer.settings.load import load_settings
from consumer.settings.secrets import inline_secrets, shown_values


def test_a_store_is_a_file_or_postgresql() -> None:
    for address in ("sqlite:////var/lib/review.sqlite", "postgresql://u@db/review"):
        assert load_settings(None, {"review.store": address}, {}).review.store == address
    with pytest.raises(InvalidSettings, match=r"review\.store: .*sqlite:///review\.sqlite"):
        load_settings(None, {"review.store": "mysql://db/review"}, {})


def test_a_password_in_the_address_is_hidden_and_warned_of() -> None:
    settings = load_settings(None, {"review.store": "postgresql://u:hunter2@db/review"}, {})

    assert "hunter2" not in str(shown_values(settings))
    (doubt,) = inline_secrets(settings)
    assert "store_password_file" in doubt
    assert "hunter2" not in doubt
    plain = load_settings(None, {"review.store": "postgresql://u@db/review"}, {})
    assert list(inline_secrets(plain)) == []


def test_rights_are_a_table_of_queues(tmp_path: Path) -> None:
    file = tmp_path / "safeguard.toml"
    file.write_text('[review.rights]\nlegal = ["eve"]\n"a.b" = []\n')
    assert load_settings(file, {}, {}).review.rights == {"legal": ["eve"], "a.b": []}


def test_the_consoles_table_lies_in_the_reviewers(tmp_path: Path) -> None:
    file = tmp_path / "safeguard.toml"
    file.write_text('[review.console]\nport = 9000\n[review.console.roles]\nlead = ["mods"]\n')
    own = load_settings(file, {"review.console.host": "::1"}, {}).review.console
    assert (own.host, own.port, own.roles) == ("::1", 9000, {"lead": ["mods"]})
    from_environment = {"SAFEGUARD_REVIEW__CONSOLE__PORT": "9001"}
    assert load_settings(file, {}, from_environment).review.console.port == 9001


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("public_url", "review.example.org"),
        ("public_url", "https://review.example.org/console"),
        ("public_url", "ftp://review.example.org"),
        ("public_url", "https://ann@review.example.org"),
        ("oidc_issuer", "login.example.org"),
    ],
)
def test_what_is_no_address_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(InvalidSettings, match=rf"review\.console\.{name}: .*write"):
        load_settings(None, {f"review.console.{name}": value}, {})


def test_a_peer_is_an_address_or_a_network(tmp_path: Path) -> None:
    file = tmp_path / "safeguard.toml"
    file.write_text('[review.console]\nproxy_peers = ["10.0.0.0/8", "::1"]\n')
    assert load_settings(file, {}, {}).review.console.proxy_peers == ["10.0.0.0/8", "::1"]
    file.write_text('[review.console]\nproxy_peers = ["proxy.example"]\n')
    with pytest.raises(InvalidSettings, match="proxy_peers"):
        load_settings(file, {}, {})
