"""Sign-in by OpenID Connect, at a small provider: who is let in, and every way it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from tests.console import Browser, ConsoleScene, console_scene
from tests.provider import CLIENT, SECRET, SmallProvider


@pytest.fixture
def provider() -> Iterator[SmallProvider]:
    with SmallProvider() as found:
        yield found


@pytest.fixture
def scene(tmp_path: Path, provider: SmallProvider) -> Iterator[ConsoleScene]:
    (tmp_path / "secret").write_text(SECRET)
    named: dict[str, Any] = {
        "review.console.links": "false",
        "review.console.oidc_issuer": provider.issuer,
        "review.console.oidc_client_id": CLIENT,
        "review.console.oidc_client_secret_file": str(tmp_path / "secret"),
        "review.console.roles": {"reviewer": ["mods"], "policy-author": ["*"]},
    }
    with console_scene(tmp_path, **named) as found:
        yield found


def back(scene: ConsoleScene, provider: SmallProvider, browser: Browser, **claims: Any) -> str:
    """Begin, and sign in there: where the provider sends the browser back to."""
    sent = browser.get("/sign-in/provider?to=/policies")
    assert sent.status_code == 303
    asked = {"preferred_username": "ann", "groups": ["mods"], **claims}
    return provider.let_in(sent.headers["location"], scene.clock.at_ms, **asked)


def test_the_provider_says_who_it_is(scene: ConsoleScene, provider: SmallProvider) -> None:
    browser = scene.browser()
    inside = browser.get(back(scene, provider, browser))
    assert inside.headers["location"] == "/policies"
    assert "<bdi>ann</bdi>" in browser.get("/policies").text
    assert browser.post("/next").status_code == 303
    other = scene.browser()
    other.get(back(scene, provider, other, preferred_username="bob", groups="staff"))
    assert other.get("/policies").status_code == 200
    assert other.post("/next").status_code == 403, "of a group without that role"


def test_a_sign_in_counts_once_and_in_the_browser_that_began_it(
    scene: ConsoleScene, provider: SmallProvider
) -> None:
    browser = scene.browser()
    path = back(scene, provider, browser)
    assert scene.browser().get(path).status_code == 403, "a link that somebody else was sent"
    assert browser.get(path).status_code == 303
    assert browser.get(path).status_code == 403, "replayed"
    late = scene.browser()
    path = back(scene, provider, late)
    scene.clock.at_ms += 600_000
    assert late.get(path).status_code == 403
    assert scene.browser().get("/sign-in/provider/back").status_code == 403
    denied = scene.browser()
    state = back(scene, provider, denied).partition("state=")[2]
    assert denied.get(f"/sign-in/provider/back?error=no&state={state}").status_code == 403


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": ["console", "another"]},
        {"aud": ["console"], "azp": "another"},
        {"nonce": "another"},
        {"exp": 1},
        {"iat": 99_999_999_999},
        {"preferred_username": None},
        {"preferred_username": "a\nb"},
    ],
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(
    scene: ConsoleScene, provider: SmallProvider, change: dict[str, Any]
) -> None:
    provider.change = lambda claims: claims | change
    browser = scene.browser()
    refused = browser.get(back(scene, provider, browser))
    assert refused.status_code == 403
    assert browser.get("/").status_code == 303


def test_a_token_by_another_key_is_refused(scene: ConsoleScene, provider: SmallProvider) -> None:
    provider.signed_by = ECKey.generate_key("P-256", {"kid": "k1", "alg": "ES256"}, private=True)
    browser = scene.browser()
    assert browser.get(back(scene, provider, browser)).status_code == 403


def test_a_code_that_is_not_known_is_refused(scene: ConsoleScene, provider: SmallProvider) -> None:
    browser = scene.browser()
    path = back(scene, provider, browser)
    provider.people.clear()
    assert browser.get(path).status_code == 403


def test_who_speaks_for_another_issuer_is_no_provider(
    scene: ConsoleScene, provider: SmallProvider
) -> None:
    provider.speaks_for = "https://other.example"
    answer = scene.browser().get("/sign-in/provider")
    assert answer.status_code == 502
    assert "the provider does not answer" in answer.text
