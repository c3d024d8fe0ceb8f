"""Sign-in: each way lets in whom it should, once, and nobody else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from consumer.commands.console import people
from consumer.commands.console.serving import serve
from consumer.errors import InvalidSettings
from consumer.review.console.address import address_of
from consumer.review.console.routes import ROUTES
from consumer.review.console.sign_in.person import StaffRole
from consumer.review.console.sign_in.users import LocalUsers
from consumer.review.store import log
from consumer.settings.load import load_settings
from tests.console import ORIGIN, ConsoleScene, console_scene

PASSWORD = "correct horse battery"
CHEAP = 2**4
"""The cost of a hash in tests."""


def test_it_does_not_start_where_nobody_could_sign_in(tmp_path: Path) -> None:
    """And says what to set; nor half open, nor where others could read along."""
    secret = tmp_path / "secret"
    secret.write_text("short")
    for given, said in (
        ({}, "nobody could sign in: set review.console.users_file"),
        ({"proxy_secret_file": str(secret)}, "belong together"),
        ({"users_file": str(tmp_path / "none")}, "users_file: .* cannot be read"),
        ({"oidc_issuer": "https://login.example"}, "oidc_client_id"),
        ({"oidc_issuer": "https://login.example", "oidc_client_id": "c"}, "review.console.roles"),
        ({"links": "true", "host": "0.0.0.0"}, "public_url"),
        ({"links": "true", "public_url": "http://review.example"}, "need https"),
    ):
        named = {f"review.console.{name}": value for name, value in given.items()}
        named["review.store"] = f"sqlite:///{tmp_path / 'store.sqlite'}"
        with pytest.raises(InvalidSettings, match=said):
            serve(load_settings(None, named, {}))
    assert not (tmp_path / "store.sqlite").exists(), "nothing was opened"


def test_nobody_sees_anything_before_they_are_signed_in(scene: ConsoleScene) -> None:
    """Every page but those of the sign-in leads there; none of them says a word."""
    case = scene.flag(1)
    browser = scene.browser()
    for route in ROUTES:
        if route.roles is None:
            continue
        path = route.path.format(case=case, name=case, set="set", number="1")
        answer = browser.get(path) if route.method == "GET" else browser.post(path)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/sign-in?to="), path
    assert browser.get(f"/events?case={case}").status_code == 204
    assert browser.get("/healthz").text == "ok\n"


@pytest.mark.parametrize("role", list(StaffRole))
def test_each_page_is_for_the_roles_it_names(scene: ConsoleScene, role: StaffRole) -> None:
    # On a topic that no policy binds: no page asks a broker for the record, and waits for none.
    case = scene.flag(1, position="elsewhere/0/1")
    browser = scene.signed_in("ann", role)
    browser.get("/policies")
    for route in ROUTES:
        if route.roles is None or route.path == "/sign-out":
            continue
        path = route.path.format(case=case, name=case, set="set", number="1")
        answer = browser.get(path) if route.method == "GET" else browser.post(path)
        is_refused = answer.status_code == 403
        assert is_refused == (role not in route.roles), f"{role} at {route.method} {path}"


def test_a_link_lets_in_once_and_not_for_ever(scene: ConsoleScene) -> None:
    now_ms = scene.clock.at_ms
    body = {"person": "ann", "roles": ["reviewer"]}
    for name in ("one", "two"):
        scene.console.entrance.open(name, "link", body, now_ms, now_ms + 1_000)
    browser = scene.browser()
    for _ in range(2):
        assert "as <bdi>ann" in browser.get("/sign-in/link?token=one").text, "looking is free"
    assert browser.post("/sign-in/link", {"link": "one"}).status_code == 303
    again = scene.browser().post("/sign-in/link", {"link": "one"})
    assert again.status_code == 403
    assert "has been used" in again.text
    scene.clock.at_ms += 1_000
    assert scene.browser().get("/sign-in/link?token=two").status_code == 403
    assert scene.browser().post("/sign-in/link", {"link": "two"}).status_code == 403
    cookie = browser.client.cookies.jar
    (held,) = [each for each in cookie if each.name == "safeguard-console"]
    assert held.has_nonstandard_attr("HttpOnly")
    assert held.get_nonstandard_attr("SameSite") == "lax"
    assert not held.secure, "on the loopback alone"


def test_who_does_nothing_or_stays_too_long_signs_in_anew(tmp_path: Path) -> None:
    with console_scene(
        tmp_path, **{"review.console.idle_s": "600", "review.console.visit_s": "1800"}
    ) as scene:
        idle, busy = scene.signed_in("ann"), scene.signed_in("bob")
        for _ in range(5):
            scene.clock.at_ms += 300_000
            assert busy.get("/").status_code == 200
        assert idle.get("/").status_code == 303
        scene.clock.at_ms += 300_000
        assert busy.get("/").status_code == 303, "half an hour is over"


def test_what_a_page_asks_by_itself_keeps_nobody_signed_in(scene: ConsoleScene) -> None:
    ann = scene.signed_in("ann")
    for _ in range(6):
        scene.clock.at_ms += 600_000
        last = ann.get("/queues").status_code
    assert last == 303


def test_who_signs_out_is_out(scene: ConsoleScene) -> None:
    ann = scene.signed_in("ann")
    held = ann.client.cookies.get("safeguard-console")
    assert ann.post("/sign-out").headers["location"] == "/sign-in"
    other = scene.browser()
    other.client.cookies.set("safeguard-console", held or "")
    assert other.get("/").status_code == 303, "a stolen cookie is worth nothing any more"
    acts = [entry.act for entry in log.entries(scene.console.room.database)]
    assert acts == ["sign-in", "sign-out"]


def test_local_users_sign_in_by_password(tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    users = LocalUsers(file, CHEAP)
    assert users.add("ann", [StaffRole.REVIEWER], PASSWORD)
    with console_scene(tmp_path, **{"review.console.users_file": str(file)}) as scene:
        ann = scene.browser()
        assert ann.post("/sign-in", {"name": "ann", "password": "wrong"}).status_code == 403
        assert ann.post("/sign-in", {"name": "eve", "password": PASSWORD}).status_code == 403
        inside = ann.post("/sign-in", {"name": "ann", "password": PASSWORD, "to": "/policies"})
        assert inside.headers["location"] == "/policies"
        assert ann.get("/audit").status_code == 403
        users.add("ann", [StaffRole.AUDITOR], PASSWORD)
        assert ann.get("/audit").status_code == 200, "other roles count at once"
        assert users.remove("ann")
        assert ann.get("/").status_code == 303, "who is taken out is out at once"


def test_who_guesses_passwords_waits(tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    LocalUsers(file, CHEAP).add("ann", [StaffRole.REVIEWER], PASSWORD)
    with console_scene(tmp_path, **{"review.console.users_file": str(file)}) as scene:
        thief = scene.browser("127.0.0.9")
        for _ in range(5):
            assert thief.post("/sign-in", {"name": "ann", "password": "x"}).status_code == 403
        refused = thief.post("/sign-in", {"name": "ann", "password": PASSWORD})
        assert refused.status_code == 429
        assert "wait 1 seconds" in refused.text
        right = {"name": "ann", "password": PASSWORD}
        assert scene.browser("127.0.0.8").post("/sign-in", right).status_code == 303
        scene.clock.at_ms += 1_000
        assert thief.post("/sign-in", right).status_code == 303


def test_a_sign_in_leads_nowhere_else(tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    LocalUsers(file, CHEAP).add("ann", [StaffRole.REVIEWER], PASSWORD)
    with console_scene(tmp_path, **{"review.console.users_file": str(file)}) as scene:
        for to in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:1"):
            form = {"name": "ann", "password": PASSWORD, "to": to}
            assert scene.browser().post("/sign-in", form).headers["location"] == "/", to


def proxied(folder: Path) -> dict[str, Any]:
    (folder / "secret").write_text("0123456789abcdef\n")
    return {
        "review.console.proxy_secret_file": str(folder / "secret"),
        "review.console.proxy_peers": ["10.0.0.0/8"],
        "review.console.roles": {"reviewer": ["mods"], "auditor": ["audit"]},
    }


def test_a_proxy_is_believed_from_its_address_with_its_secret(tmp_path: Path) -> None:
    says = {
        "X-Auth-Request-User": "ann",
        "X-Auth-Request-Groups": "staff, mods",
        "X-Safeguard-Proxy-Secret": "0123456789abcdef",
    }
    with console_scene(tmp_path, **proxied(tmp_path)) as scene:
        through = scene.browser("10.1.2.3")
        assert through.get("/", **says).status_code == 200
        again = through.post("/next", headers=says)
        assert again.status_code == 303, "the same visit goes on"
        assert through.get("/audit", **says).status_code == 403
        other = says | {"X-Auth-Request-Groups": "audit"}
        assert through.get("/audit", **other).status_code == 200, "groups count at once"
        assert through.get("/").status_code == 303, "the proxy has signed them out"

        from_elsewhere = scene.browser("192.0.2.1")
        assert from_elsewhere.get("/", **says).status_code == 403
        for change in ({"X-Safeguard-Proxy-Secret": "0123456789abcdee"}, {}):
            forged = {"X-Auth-Request-User": "ann", "X-Auth-Request-Groups": "mods"} | change
            assert scene.browser("10.1.2.3").get("/", **forged).status_code == 403
        nobody = says | {"X-Auth-Request-Groups": "staff"}
        assert scene.browser("10.1.2.3").get("/", **nobody).status_code == 403


def test_a_form_of_another_site_does_nothing(scene: ConsoleScene) -> None:
    """By where it says it comes from, and by the token that only our pages have."""
    scene.flag(1)
    ann = scene.signed_in("ann")
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "same-site"},
    ):
        assert ann.post("/next", headers=headers).status_code == 403
    bare = ann.client.post("/next", data={"token": ann.token})
    assert bare.status_code == 403, "nothing says where it comes from"
    for token in ("", "0" * 64, "\x00"):
        assert ann.post("/next", {"token": token}).status_code == 403
    assert ann.get("/", Host="evil.example").status_code == 403, "a name that leads here by a trick"
    other = scene.signed_in("bob")
    assert ann.post("/next", {"token": other.token}).status_code == 403
    assert ann.post("/next", {"token": ""}, {"X-Form-Token": ann.token}).status_code == 303


def test_forms_are_bounded(scene: ConsoleScene) -> None:
    ann = scene.signed_in("ann")
    assert ann.post("/next", {"x": "y" * 300_000}).status_code == 413
    assert ann.post("/next", {f"f{n}": "1" for n in range(101)}).status_code == 413
    odd = ann.client.post("/next", json={}, headers={"Origin": ORIGIN})
    assert odd.status_code == 413


def test_every_answer_forbids_what_no_page_needs(scene: ConsoleScene) -> None:
    ann = scene.signed_in("ann")
    for answer in (ann.get("/"), ann.get("/static/console.js"), ann.get("/nowhere")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert ann.get("/").headers["cache-control"] == "no-store"


def test_commands_let_people_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = {
        "review.store": f"sqlite:///{tmp_path / 'r.sqlite'}",
        "review.console.links": "true",
        "review.console.users_file": str(tmp_path / "u.json"),
    }
    settings = load_settings(None, named, {})
    assert people.make_link(settings, "ann", ["reviewer"], as_json=True) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["link"].startswith("http://127.0.0.1:8700/sign-in/link?token=")
    for wrong in ([], ["king"]):
        with pytest.raises(InvalidSettings, match="--role"):
            people.make_link(settings, "ann", wrong, as_json=True)
    LocalUsers(tmp_path / "u.json", CHEAP).add("bob", [StaffRole.LEAD], PASSWORD)
    assert people.list_users(settings, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == {"users": {"bob": ["lead"]}}
    assert people.remove_user(settings, "root", "bob", as_json=True) == 0
    assert people.remove_user(settings, "root", "bob", as_json=True) == 1
    no_links = load_settings(None, named | {"review.console.links": "false"}, {})
    with pytest.raises(InvalidSettings, match=r"review\.console\.links"):
        people.make_link(no_links, "ann", ["reviewer"], as_json=True)


def test_passwords_and_their_file_are_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    users = LocalUsers(file, CHEAP)
    for name, password in (("ann", "short"), (" ann", PASSWORD), ("a\nb", PASSWORD)):
        with pytest.raises(InvalidSettings):
            users.add(name, [StaffRole.REVIEWER], password)
    users.add("ann", [StaffRole.REVIEWER], PASSWORD)
    assert file.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in file.read_text()
    for body in ("[]", "{", '{"users": {"a": {"roles": ["king"], "password": "scrypt$1"}}}'):
        file.write_text(body)
        with pytest.raises(InvalidSettings, match="is not what"):
            LocalUsers(file).names()


def test_away_from_the_loopback_cookies_are_for_https_alone() -> None:
    far = address_of("0.0.0.0", 8_700, "https://review.example")
    assert (far.is_secure, far.cookie) == (True, "__Host-safeguard")
    assert far.hosts == {"review.example"}
    near = address_of("::1", 8_700, None)
    assert "http://[::1]:8700" in near.origins
    assert not near.is_secure
