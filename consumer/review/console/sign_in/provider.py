"""
Provider: sign-in by OpenID Connect: code flow with PKCE (RFC 7636), state and nonce.

It is asked over HTTP for three things: where it is reached, its keys, and the token for a code.
"""

from __future__ import annotations

import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from consumer.errors import ConsumerError
from consumer.review.cases.reviewer import is_name
from consumer.review.console.address import LOOPBACK
from consumer.review.console.sign_in.person import Person, roles_of

ANSWER_BYTES_MAX = 1_000_000
"""Of a provider's answer; more is none."""
ANSWER_S = 10.0
"""How long it is waited for: somebody looks at an empty page meanwhile."""
LEEWAY_S = 60
"""By so much its clock may differ from ours."""
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""Signatures by a provider's own key; none of `none`, and none by a secret that we know too."""


class SignInRefused(ConsumerError):
    """The provider's word does not hold. Sign in again, or look at review.console.oidc_issuer."""


class Begun(NamedTuple):
    """A sign-in that the provider is asked about."""

    url: str
    """Where the browser goes."""
    state: str
    """What the answer brings back; known to this browser alone."""
    kept: dict[str, str]
    """What the answer is checked by."""


@dataclass(frozen=True, slots=True)
class ProviderTerms:
    """Which provider, and what its words mean."""

    issuer: str
    client_id: str
    client_secret: str | None
    redirect_url: str
    name_claim: str
    groups_claim: str
    roles: Mapping[str, Sequence[str]]


Fetch = Callable[[str, bytes | None, Mapping[str, str]], Any]
"""Address, body, headers -> the JSON of the answer."""


class SignInProvider:
    """Asks one provider who somebody is. Any thread may use it; it blocks."""

    def __init__(self, terms: ProviderTerms, fetch: Fetch | None = None) -> None:
        self.terms = terms
        self._fetch = fetch or fetched
        self._found: dict[str, Any] | None = None

    def begin(self) -> Begun:
        """
        A new sign-in.

        Raises:
            SignInRefused: the provider does not answer as one.
        """
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self.terms.client_id,
            "redirect_uri": self.terms.redirect_url,
            "scope": "openid profile email",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        address = str(self._about("authorization_endpoint"))
        url = address + ("&" if "?" in address else "?") + urlencode(asked)
        return Begun(url, state, {"nonce": nonce, "verifier": verifier})

    def finish(self, code: str, kept: Mapping[str, str], now_ms: int) -> Person:
        """
        Whom the provider means by a code.

        Raises:
            SignInRefused: it does not know it, or its token is not for this sign-in.
        """
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.terms.redirect_url,
            "code_verifier": kept["verifier"],
            "client_id": self.terms.client_id,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if self.terms.client_secret is not None:
            pair = f"{quote(self.terms.client_id)}:{quote(self.terms.client_secret)}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        answer = self._ask(str(self._about("token_endpoint")), urlencode(asked).encode(), headers)
        claims = self._claims(str(answer.get("id_token", "")), kept["nonce"], now_ms)
        name = claims.get(self.terms.name_claim)
        if not isinstance(name, str) or not is_name(name):
            raise SignInRefused(f"its token has no name in the claim {self.terms.name_claim}")
        groups = claims.get(self.terms.groups_claim) or []
        groups = [groups] if isinstance(groups, str) else groups
        return Person(name, roles_of(map(str, groups), self.terms.roles))

    def _claims(self, token: str, nonce: str, now_ms: int) -> dict[str, Any]:
        keys: Any = self._ask(str(self._about("jwks_uri")), None, {})
        checks = jwt.JWTClaimsRegistry(
            now_ms // 1_000,
            LEEWAY_S,
            iss={"essential": True, "value": self.terms.issuer},
            aud={"essential": True, "value": self.terms.client_id},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            found = jwt.decode(token, KeySet.import_key_set(keys), algorithms=list(ALGORITHMS))
            checks.validate(found.claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise SignInRefused(f"its token does not hold: {error}") from None
        claims: dict[str, Any] = found.claims
        audience, meant = claims["aud"], claims.get("azp", self.terms.client_id)
        if isinstance(audience, list) and len(audience) > 1:
            meant = claims.get("azp")
        if meant != self.terms.client_id:
            raise SignInRefused("its token is meant for another client")
        return claims

    def _about(self, name: str) -> Any:
        """What the provider says of itself (OpenID Connect Discovery); asked once."""
        if self._found is None:
            address = self.terms.issuer.rstrip("/") + "/.well-known/openid-configuration"
            found = self._ask(address, None, {})
            if found.get("issuer") != self.terms.issuer:
                raise SignInRefused(f"{address} speaks for another issuer")
            self._found = found
        if name not in self._found:
            raise SignInRefused(f"it has no {name}")
        return self._found[name]

    def _ask(self, address: str, body: bytes | None, headers: Mapping[str, str]) -> dict[str, Any]:
        try:
            answer = self._fetch(address, body, headers)
        except (URLError, OSError, ValueError) as error:
            raise SignInRefused(f"{self.terms.issuer} does not answer: {error}") from None
        if not isinstance(answer, dict):
            raise SignInRefused(f"{address} answers no JSON object")
        return answer


class _Straight(HTTPRedirectHandler):
    """Follows nobody elsewhere: a secret goes where it was meant to go."""

    def redirect_request(self, *_: Any) -> None:
        return None


def fetched(address: str, body: bytes | None, headers: Mapping[str, str]) -> Any:
    """
    The JSON of an answer.

    Raises:
        OSError: there is none, or it is no success.
        ValueError: others could read along, it is no JSON, or it is too much.
    """
    parts = urlsplit(address)
    is_near = parts.scheme == "http" and parts.hostname in LOOPBACK
    if parts.scheme != "https" and not is_near:
        raise ValueError(f"{address} is not https")
    asked = Request(address, body, {"Accept": "application/json", **headers})
    with build_opener(_Straight).open(asked, timeout=ANSWER_S) as answer:
        found = answer.read(ANSWER_BYTES_MAX + 1)
    if len(found) > ANSWER_BYTES_MAX:
        raise ValueError("the answer is too long")
    return orjson.loads(found)
