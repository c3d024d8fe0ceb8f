"""Wiring: from the settings to the parts of the console."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from consumer.commands.console.appeals import appeal_form
from consumer.commands.console.secrets import secret_in, text_in
from consumer.commands.review.figures import stats_fields
from consumer.errors import InvalidSettings
from consumer.review.console.address import ConsoleAddress
from consumer.review.console.care import CareTerms
from consumer.review.console.console import Console
from consumer.review.console.sign_in.attempts import SignInAttempts
from consumer.review.console.sign_in.provider import ProviderTerms, SignInProvider
from consumer.review.console.sign_in.proxy import ProxyTerms
from consumer.review.console.sign_in.users import LocalUsers
from consumer.review.console.sign_in.ways import SignInWays
from consumer.review.room import ReviewRoom
from consumer.review.store.entrance import Entrance, VisitTerms
from consumer.settings.console import ConsoleSettings
from consumer.settings.settings import Settings
from consumer.telemetry.clock import SystemClock

TABLE = "review.console"


def console_of(settings: Settings, room: ReviewRoom, address: ConsoleAddress) -> Console:
    """
    The console around an open room.

    Raises:
        InvalidSettings: nobody could sign in, or a way to sign in is set by half.
    """
    own = settings.review.console
    ways = ways_of(own, address)
    ways.check()
    clock = SystemClock()

    def figures(since_ms: int) -> dict[str, Any]:
        return stats_fields(room, since_ms, clock.wall_ms())

    return Console(
        room=room,
        entrance=entrance_of(own, room),
        ways=ways,
        address=address,
        clock=clock,
        care=CareTerms(own.exposures_max, own.blind, own.second_share),
        figures=figures,
        appeals=appeal_form(own, room, address),
    )


def entrance_of(own: ConsoleSettings, room: ReviewRoom) -> Entrance:
    """Who is signed in, kept in the store: a console that is started again knows them."""
    terms = VisitTerms(int(own.idle_s * 1_000), int(own.visit_s * 1_000))
    return Entrance(room.database, terms)


def ways_of(own: ConsoleSettings, address: ConsoleAddress) -> SignInWays:
    """
    The ways to sign in that are set.

    Raises:
        InvalidSettings: one is set by half, or a file of it cannot be read.
    """
    return SignInWays(
        users=LocalUsers(own.users_file) if own.users_file is not None else None,
        links=own.links,
        proxy=_proxy(own),
        provider=_provider(own, address),
        attempts=SignInAttempts(),
    )


def _proxy(own: ConsoleSettings) -> ProxyTerms | None:
    if not own.proxy_peers and own.proxy_secret_file is None:
        return None
    if not own.proxy_peers or own.proxy_secret_file is None:
        raise InvalidSettings(
            "review.console.proxy_peers and proxy_secret_file belong together: headers are "
            "believed from a known address that brings a secret, and from nobody else"
        )
    secret = secret_in(own.proxy_secret_file, f"{TABLE}.proxy_secret_file")
    _check_roles(own)
    return ProxyTerms(
        peers=tuple(ip_network(peer) for peer in own.proxy_peers),
        secret=secret,
        secret_header=own.proxy_secret_header,
        user_header=own.proxy_user_header,
        groups_header=own.proxy_groups_header,
        roles={str(role): groups for role, groups in own.roles.items()},
    )


def _provider(own: ConsoleSettings, address: ConsoleAddress) -> SignInProvider | None:
    if own.oidc_issuer is None:
        return None
    if not own.oidc_client_id:
        raise InvalidSettings("review.console.oidc_client_id: set it along with oidc_issuer")
    _check_roles(own)
    file = own.oidc_client_secret_file
    terms = ProviderTerms(
        issuer=own.oidc_issuer,
        client_id=own.oidc_client_id,
        client_secret=text_in(file, f"{TABLE}.oidc_client_secret_file") if file else None,
        redirect_url=f"{address.origin}/sign-in/provider/back",
        name_claim=own.oidc_name_claim,
        groups_claim=own.oidc_groups_claim,
        roles={str(role): groups for role, groups in own.roles.items()},
    )
    return SignInProvider(terms)


def _check_roles(own: ConsoleSettings) -> None:
    if not any(own.roles.values()):
        raise InvalidSettings(
            "review.console.roles: say which groups have a role, as in "
            '[review.console.roles] reviewer = ["moderators"]; "*" is everybody'
        )
