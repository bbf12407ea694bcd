"""What is locked and frozen at the demo company."""

from datetime import datetime, timedelta

from catalog.queries import Place
from locks import scopes, wishes
from locks.commands import freeze_create, lock_release, lock_take
from locks.models import Effect, Lock, ScopeKind
from portal.accounts.models import User
from portal.accounts.queries import actor_of_user
from portal.kit.by import By, trusted


def locks(places: dict[tuple[str, str], Place], people: dict[str, User], now: datetime) -> None:
    def by(key: str) -> By:
        return By(actor_of_user(people[key]), "page")

    lock_take(
        scopes.pair(places["checkout", "production"]),
        reason="Debugging double charges at checkout, PAY-731",
        until=now + timedelta(hours=3),
        by=by("dana"),
    )
    lock_take(
        scopes.pair(places["inventory", "production"]),
        kind=Lock.Kind.INCIDENT,
        reason="Stock counts drift in two warehouses; no deploys until they are reconciled",
        link="https://status.larder.example/incidents/482",
        until=None,
        by=by("bob"),
    )
    lock_take(
        scopes.named(ScopeKind.SERVICE, service="ledger"),
        reason="Quarter close: the ledger stays as it is",
        until=now + timedelta(days=2),
        by=by("priya"),
    )
    lock_take(
        scopes.named(ScopeKind.ENVIRONMENT, environment="test"),
        effect=Lock.Effect.WARN,
        reason="Load test is running; timings here mean nothing",
        until=now + timedelta(hours=1),
        by=by("idris"),
    )
    done = lock_take(scopes.pair(places["search", "staging"]), reason="Reindexing with the new analyser", by=by("yuki"))
    lock_release(done, reason="Reindexing is done", by=by("yuki"))


def freezes(people: dict[str, User], now: datetime) -> None:
    """Something for the calendar, which closes nothing that the first steps of the README want open."""

    def by(key: str) -> By:
        return trusted(By(actor_of_user(people[key]), "page"))

    weekend = {
        "title": "Weekend",
        "reason": "Only on-call is in: deploy what cannot wait, and stay with it",
        "effect": Effect.WARN,
        "timezone": "Europe/Dublin",
        "starts": "2026-01-02T17:00",
        "duration": "2d15h",
        "rrule": "FREQ=WEEKLY;BYDAY=FR",
    }
    freeze_create(scopes.named(ScopeKind.TIER, tier="production"), wishes.parse(weekend), by=by("idris"))
    close = {
        "title": "Month end",
        "reason": "The books close: figures must not move while they are taken",
        "allows": ["rollback"],
        "timezone": "Europe/Dublin",
        "starts": "2026-01-30T18:00",
        "duration": "14h",
        "rrule": "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
    }
    freeze_create(
        scopes.named(ScopeKind.PAIR, service="ledger", environment="production"), wishes.parse(close), by=by("priya")
    )
    stocktaking = {
        "title": "Stocktaking",
        "reason": "Every warehouse counts its shelves",
        "effect": Effect.BLOCK_AUTOMATION,
        "starts": f"{now + timedelta(days=9):%Y-%m-%d}T00:00",
        "duration": "2d",
    }
    freeze_create(scopes.named(ScopeKind.TEAM, team="fulfilment"), wishes.parse(stocktaking), by=by("marta"))
