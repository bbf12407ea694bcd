"""`locked` on a deploymentConfig, through the compatible door."""

import random
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import connection, models
from django.db.models import F, Func

from catalog.models import Entity
from catalog.queries import Place, place_of
from locks import scopes
from locks.commands import lock_take
from locks.decisions import severity
from locks.models import Freeze, Lock, ScopeKind, Window
from locks.queries import decide, decide_many, denied_by
from portal.kit.by import Actor, By
from portal.kit.clock import database_now, iso
from portal.kit.ids import uuid7
from tests.conftest import events, write

PROGRAM = By(Actor("credential", "credential:0", "CI", scopes=frozenset({"gate"})), "api")
LOCKED = Func(F("pk"), function="locks_locked", output_field=models.JSONField())
CONFIG = "blueprints/deploymentConfig/entities/checkout-production"


@pytest.fixture
def config(shop):
    return write(
        "deploymentConfig", "checkout-production", relations={"service": ("checkout",), "environment": ("production",)}
    )


def locked(ci):
    properties = ci.get(CONFIG).json["entity"]["properties"]
    return properties["locked"], properties.get("lockedReason"), properties.get("lockedBy")


def test_locked_is_never_null_and_follows_every_lock(config, terraform, page, alice):
    assert locked(terraform) == (False, None, None)
    lock_take(scopes.named("tier", tier="production"), reason="holidays", by=page(alice))
    assert locked(terraform) == (True, "holidays", "Alice")


def test_true_takes_the_pairs_lock_and_false_releases_it(config, terraform):
    terraform.send("patch", CONFIG, {"properties": {"locked": True, "lockedReason": "via the API"}})
    assert locked(terraform) == (True, "via the API", "Terraform")
    terraform.send("patch", CONFIG, {"properties": {"locked": False}})
    assert locked(terraform) == (False, None, None)
    assert events("lock") == ["lock.taken", "lock.released"]


def test_a_round_trip_changes_nothing(config, terraform):
    terraform.send("patch", CONFIG, {"properties": {"locked": True}})
    before = (list(Lock.objects.values()), events())
    read = terraform.get(CONFIG).json["entity"]
    assert (
        terraform.send(
            "put", CONFIG, {k: read[k] for k in ("identifier", "properties", "relations", "title") if k in read}
        ).status
        == 200
    )
    assert (list(Lock.objects.values()), events()) == before


@pytest.mark.parametrize("value", [None, "absent"])
def test_null_and_absent_do_nothing(config, terraform, value):
    properties = {} if value == "absent" else {"locked": None}
    terraform.send("patch", CONFIG, {"properties": properties})
    assert not Lock.objects.exists()


def test_false_while_something_else_denies_is_a_conflict_that_names_it(config, terraform, page, alice):
    terraform.send("patch", CONFIG, {"properties": {"locked": True}})
    lock_take(scopes.named("everything"), reason="holidays", until=database_now() + timedelta(hours=1), by=page(alice))
    answer = terraform.send("patch", CONFIG, {"properties": {"locked": False, "version": "never written"}})
    assert (answer.status, answer.json["error"]) == (409, "still_locked")
    assert "holidays" in answer.json["message"]
    assert Lock.objects.filter(released_at=None).count() == 2
    assert "version" not in terraform.get(CONFIG).json["entity"]["properties"]


def test_a_program_without_the_scope_lock_may_not(config, db):
    from portal.accounts.commands import credential_create
    from tests.conftest import SETUP, V1

    _, token = credential_create("Writer", kind="ci", scopes=["catalog:read", "catalog:write"], by=SETUP)
    answer = V1(token).send("patch", CONFIG, {"properties": {"locked": True}})
    assert answer.status == 403 and "“lock”" in answer.json["message"]
    assert not Lock.objects.exists()


def test_what_is_no_boolean_is_refused(config, terraform):
    answer = terraform.send("patch", CONFIG, {"properties": {"locked": "yes"}})
    assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, "properties.locked")


def test_a_config_without_a_place_is_closed(shop, terraform):
    write("deploymentConfig", "stray")
    assert terraform.get("blueprints/deploymentConfig/entities/stray").json["entity"]["properties"]["locked"] is True


def test_another_reason_or_end_while_it_is_locked_is_a_conflict_not_silence(config, terraform, page, alice):
    lock_take(scopes.named("everything"), reason="holidays", by=page(alice))
    for wished in ({"lockedReason": "mine"}, {"lockedUntil": "2199-01-01T00:00:00Z"}):
        answer = terraform.send("patch", CONFIG, {"properties": {"locked": True} | wished})
        assert (answer.status, answer.json["error"]) == (409, "already_locked")
        assert "holidays" in answer.json["message"]
    assert terraform.send("patch", CONFIG, {"properties": {"locked": True}}).status == 200
    assert Lock.objects.count() == 1


@pytest.mark.parametrize("path", ["service/entities/checkout", "environment/entities/production"])
def test_a_flag_on_a_service_or_an_environment_is_refused_because_it_would_lock_nothing(shop, terraform, path):
    answer = terraform.send("patch", f"blueprints/{path}", {"properties": {"locked": True}})
    assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, "properties.locked")
    assert "POST /v1/locks" in answer.json["message"]
    assert "locked" not in terraform.get(f"blueprints/{path}").json["entity"]["properties"]


def test_faults_are_named_as_the_client_knows_them(config, terraform):
    answer = terraform.send("patch", CONFIG, {"properties": {"locked": True, "lockedReason": "x"}})
    assert answer.json["details"]["errors"][0]["path"] == "properties.lockedReason"


def test_who_is_named_has_the_end_that_is_named(config, terraform, page, alice, bob):
    now = database_now()
    lock_take(
        scopes.named("pair", service="checkout", environment="production"),
        reason="debugging",
        until=now + timedelta(hours=1),
        by=page(bob),
    )
    lock_take(scopes.named("everything"), reason="holidays", until=now + timedelta(hours=9), by=page(alice))
    properties = terraform.get(CONFIG).json["entity"]["properties"]
    assert (properties["lockedBy"], properties["lockedUntil"][:16]) == (
        "Bob",
        (now + timedelta(hours=1)).isoformat()[:16],
    )


# locks_locked says in SQL, for lists, what locks.queries.decide says everywhere else. Random boards hold them together.

TICK = timedelta(microseconds=1)
AROUND = [-timedelta(days=30), -timedelta(hours=1), -TICK, timedelta(0), TICK, timedelta(hours=1)]
TEAMS = ["payments", "risk", "nobody's"]
ROUNDS = 200


@dataclass
class World:
    services: list[Entity]
    environments: list[Entity]
    configs: dict[int, Place]


@pytest.fixture
def world(db):
    """Three services and four environments, one without a tier and one with a tier nobody knows, and all their configs."""
    owned = {"checkout": ("payments",), "ledger": ("payments", "risk"), "search": ()}
    tiers = {"production": "production", "staging": "staging", "attic": "", "moon": "lunar"}
    services = [write("service", name, team=team) for name, team in owned.items()]
    environments = [
        write("environment", name, properties={"tier": tier} if tier else {})
        for name, tier in tiers.items()
        if tier != "lunar"
    ]
    # An enum keeps such a tier out today; an older entity may still hold one.
    kind = environments[0].blueprint
    environments.append(Entity.objects.create(blueprint=kind, identifier="moon", properties={"tier": "lunar"}))
    configs = {}
    for service in services:
        for environment in environments:
            ends = {"service": (service.identifier,), "environment": (environment.identifier,)}
            name = f"{service.identifier}-{environment.identifier}"
            configs[write("deploymentConfig", name, relations=ends).pk] = place_of(service, environment)
    return World(services, environments, configs)


def random_lock(draw, world, now):
    """A lock of any scope, kind and effect that starts and ends about now, or is released.

    Half of them are twins of the one before but for one thing, so that each step of the order decides somewhere.
    """
    kind = draw.choice(list(ScopeKind))
    starts = now + draw.choice(AROUND)
    parts = [
        {"kind": draw.choice(Lock.Kind.values)},
        {"effect": draw.choice(Lock.Effect.values)},
        {
            "scope_kind": kind,
            "service": draw.choice([*world.services, None]) if kind in ("pair", "service") else None,
            "service_identifier": "named" if kind in ("pair", "service") else "",
            "environment": draw.choice([*world.environments, None]) if kind in ("pair", "environment") else None,
            "environment_identifier": "named" if kind in ("pair", "environment") else "",
            "tier": draw.choice(["production", "production", "staging"]) if kind == "tier" else "",
            "team": draw.choice(TEAMS) if kind == "team" else "",
        },
        {
            "created_at": now + draw.choice(AROUND),
            "starts_at": starts,
            "expires_at": draw.choice([None, *(now + each for each in AROUND if now + each > starts)]),
        },
        {"released_at": draw.choice([None, None, None, now - TICK])},
    ]
    lock = (Lock.objects.order_by("-id").first() if draw.random() < 0.5 else None) or Lock(
        holder_kind="user", holder_key="user:1", **{name: value for part in parts for name, value in part.items()}
    )
    for name, value in draw.choice(parts).items():
        setattr(lock, name, value)
    lock.pk, lock.public_id = None, uuid7()
    lock.reason, lock.holder_name = f"reason {draw.randrange(10**6)}", draw.choice(["Dana", "Priya"])
    lock._state.adding = True
    return lock


def random_freeze(draw, world, now):
    """A freeze like a random lock, with windows about now, or whose windows were not laid this far."""
    like = random_lock(draw, world, now)
    scope = ("scope_kind", "service", "service_identifier", "environment", "environment_identifier", "tier", "team")
    columns = {name: getattr(like, name) for name in (*scope, "effect", "holder_kind", "holder_key", "holder_name")}
    # On all the time: where the windows are reckoned, both ways must find one.
    starts = (now - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    always = {"timezone": "UTC", "starts": starts, "duration": timedelta(days=9)}
    freeze = Freeze(**columns, **always, title="Quarter end", reason=like.reason, told_until=now)
    freeze.known_until = now + draw.choice([timedelta(0), TICK, *[timedelta(days=1)] * 8])
    freeze.withdrawn_at = draw.choice([None, None, None, now - TICK])
    freeze.save()
    edges = sorted(draw.sample([now + each for each in (*AROUND, timedelta(days=30))], 4))
    windows = [Window(freeze=freeze, starts_at=a, ends_at=b) for a, b in (edges[:2], edges[2:])]
    Window.objects.bulk_create(windows if freeze.known_until > now else [])
    return freeze


# What stands on a board: one maker for each thing that can close a gate, and how many of them at most.
MAKERS = [(random_lock, 8), (random_freeze, 3)]


def said(decision):
    """What a config shows of a decision."""
    if not decision.denies:
        return {"locked": False}
    first = decision.denying[0]
    unlaid = isinstance(first, Window) and first.pk is None
    shown = {
        "locked": True,
        "lockedReason": first.reason,
        "lockedBy": first.holder_name,
        # Nobody can tell in SQL when a window ends that was not laid.
        "lockedUntil": None if unlaid else iso(first.expires_at),
    }
    return {name: value for name, value in shown.items() if value is not None}


def disagreements(world, rounds=ROUNDS, seed=7):
    """(board, place, by decide, by SQL) wherever they differ, and how many were compared."""
    draw, compared = random.Random(seed), 0
    with connection.cursor() as cursor:
        cursor.execute("select now()")
        now = cursor.fetchone()[0]
    for board in range(rounds):
        Lock.objects.all().delete()
        Freeze.objects.all().delete()
        for maker, most in MAKERS:
            for _ in range(draw.randrange(most)):
                maker(draw, world, now).save()
        inside = dict(Entity.objects.filter(pk__in=world.configs).values_list("pk", LOCKED))
        many = decide_many(world.configs.values(), now=now)
        yield from said_otherwise(board, world, many, now)
        alone = draw.choice(list(world.configs))
        for config, place in world.configs.items():
            compared += 1
            answers = [many[place.service_id, place.environment_id]]
            answers += [decide(place, by=PROGRAM, now=now)] if config == alone else []
            yield from ((board, place, said(each), inside[config]) for each in answers if said(each) != inside[config])
    assert compared >= 300 or rounds < ROUNDS


def said_otherwise(board, world, many, now):
    """What the matrix is told of thousands of places at once: no more and no less than of each."""
    services = list(Entity.objects.filter(pk__in={place.service_id for place in world.configs.values()}))
    environments = list(Entity.objects.filter(pk__in={place.environment_id for place in world.configs.values()}))
    found = denied_by(services, environments, now=now)
    for pair, decision in many.items():
        first = severity(decision.denying[0]) if decision.denies else None
        told = severity(found[pair]) if pair in found else None
        if told != first:
            yield board, decision.place, told, first


def test_sql_and_the_gate_agree_on_random_boards(world):
    assert list(disagreements(world)) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("coalesce(l.expires_at, 'infinity') > now()", "coalesce(l.expires_at, 'infinity') >= now()"),
        ("l.starts_at <= now() or l.starts_at <= l.created_at", "l.starts_at <= now()"),
        ("l.released_at is null", "true"),
        ("array['block', 'block_automation'], effect", "array['block_automation', 'block'], effect"),
        (
            "'incident', 'rollback', 'canary', 'manual', 'freeze'",
            "'incident', 'canary', 'rollback', 'manual', 'freeze'",
        ),
        (
            "'incident', 'rollback', 'canary', 'manual', 'freeze'",
            "'freeze', 'incident', 'rollback', 'canary', 'manual'",
        ),
        ("'environment', 'team', 'tier'", "'team', 'environment', 'tier'"),
        ("ends desc nulls first", "ends desc nulls last"),
        ("effect in ('block', 'block_automation')", "true"),
        ("else 'production' end", "else 'development' end"),
        ("'pair:' || s.target_id || ':' || e.target_id", "'pair:' || e.target_id || ':' || s.target_id"),
        ("unnest(service.team) as team", "unnest(service.team[1:1]) as team"),
        ("f.withdrawn_at is null", "true"),
        ("w.starts_at <= now()", "w.starts_at < now()"),
        ("and ends_at > now()", "and ends_at >= now()"),
        ("f.known_until <= now() or w.starts_at <= now()", "w.starts_at <= now()"),
        ("order by ends_at limit 1", "order by ends_at desc limit 1"),
    ],
)
def test_the_agreement_notices_a_mistake_in_the_sql(world, right, wrong):
    with connection.cursor() as cursor:
        cursor.execute("select pg_get_functiondef('locks_locked'::regproc)")
        source = cursor.fetchone()[0]
        assert right in source
        cursor.execute(source.replace(right, wrong))
    assert next(disagreements(world, rounds=500), None)
