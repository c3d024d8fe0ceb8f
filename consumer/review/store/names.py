"""Names: what facts and people are called in the store, where nobody reads who they are."""

from __future__ import annotations

from hashlib import blake2b

from consumer.review.cases.facts import (
    About,
    AppealFact,
    DecisionFact,
    ReportFact,
    ReviewFact,
    VerdictFact,
    kind_of,
)


def fact_name(about: About) -> str:
    """Ids of reports and appeals are their senders', and so are unique within their topic."""
    return _named(kind_of(about.fact), about.topic, about.fact.id)


def verdict_name(topic: str, verdict_id: str) -> str:
    """The same for a verdict of which only the id is known."""
    return _named("verdict", topic, verdict_id)


def _named(kind: str, topic: str, name: str) -> str:
    return digest_of_name(f"{kind}\n{topic}\n{name}")


def actor_of(fact: ReviewFact) -> str | None:
    """Which person it is from."""
    match fact:
        case ReportFact():
            return digest_of_name(fact.reporter)
        case AppealFact() | DecisionFact():
            return digest_of_name(fact.by)
    return None


def names_in(about: About) -> tuple[str, ...]:
    """By what its case, and whoever wrote it, would have been erased."""
    match about.fact:
        case VerdictFact(envelope=envelope):
            person = envelope.get("message", {}).get("author")
        case ReportFact(reporter=person) | AppealFact(by=person):
            pass
        case _:
            person = None
    return (about.case_id,) if person is None else (about.case_id, digest_of_name(str(person)))


def digest_of_name(text: str) -> str:
    """Of any name; also of one that no encoding holds."""
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()
