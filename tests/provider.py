"""A small OpenID Connect provider: one client, people by code, and faults on demand."""

from __future__ import annotations

import threading
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from joserfc import jwt
from joserfc.jwk import ECKey

CLIENT, SECRET = "console", "shared with the console"


class SmallProvider:
    """Runs inside the `with` block; what it says of a code is what the test has put there."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "k1", "alg": "ES256"}, private=True)
        self.signed_by = self.key
        self.people: dict[str, dict[str, Any]] = {}
        self.challenges: dict[str, str] = {}
        self.change: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
        self.speaks_for: str | None = None
        self.asked: list[str] = []
        outer = self

        class _Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                found = outer.documents().get(urlsplit(self.path).path)
                self.answer(404 if found is None else 200, found or {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                found = outer.token(form, self.headers.get("authorization", ""))
                self.answer(400 if found is None else 200, found or {"error": "invalid_grant"})

            def answer(self, status: int, fields: dict[str, Any]) -> None:
                body = orjson.dumps(fields)
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}/realm"
        # It looks so often, in seconds, whether it is to end: by default twice a second.
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )

    def __enter__(self) -> SmallProvider:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def documents(self) -> dict[str, dict[str, Any]]:
        about = {
            "issuer": self.speaks_for or self.issuer,
            "authorization_endpoint": self.issuer + "/authorize",
            "token_endpoint": self.issuer + "/token",
            "jwks_uri": self.issuer + "/keys",
        }
        keys = {"keys": [self.key.as_dict(private=False)]}
        return {"/realm/.well-known/openid-configuration": about, "/realm/keys": keys}

    def let_in(self, url: str, now_ms: int, **claims: Any) -> str:
        """Somebody signs in at the provider; what their browser is sent back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{len(self.people)}"
        self.challenges[code] = asked["code_challenge"]
        self.people[code] = {
            "iss": self.issuer,
            "aud": asked["client_id"],
            "sub": "1",
            "iat": now_ms // 1_000,
            "exp": now_ms // 1_000 + 60,
            "nonce": asked["nonce"],
            **claims,
        }
        assert asked["redirect_uri"].endswith("/sign-in/provider/back")
        return f"/sign-in/provider/back?code={code}&state={asked['state']}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """What a code is worth, once, to who has the verifier and the client's secret."""
        pair = b64decode(authorization.removeprefix("Basic ")).decode()
        claims = self.people.pop(form["code"], None)
        digest = sha256(form["code_verifier"].encode()).digest()
        is_same = urlsafe_b64encode(digest).rstrip(b"=").decode() == self.challenges[form["code"]]
        if claims is None or not is_same or pair != f"{CLIENT}:{SECRET.replace(' ', '%20')}":
            return None
        header = {"alg": "ES256", "kid": "k1"}
        signed = jwt.encode(header, self.change(claims), self.signed_by)
        return {"access_token": "x", "token_type": "Bearer", "id_token": signed}
