"""Who may do what at the gate: one table, asked at every door. S9: no door does what a command refuses.

Charlie is on no team, Frank on one that owns nothing here; Bob's team owns the service, Olga's the environment; Alice runs
the portal. There is no role that may only look: who has an account may take locks, and Charlie's second token may only read.
Of the programs `reports` may report, `asks` may ask the gate too, `ci` may lock as well, `terraform` may do everything.

yes: it is done, and told. -: refused. why: it wants to hear why. held: it is somebody else's, or stands in the way.
"""

import ast
import re
from dataclasses import replace

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection, transaction
from django.urls import resolve

from catalog import queries as catalog
from catalog.models import Entity
from locks import rules, scopes, urls
from locks.commands import (
    claim_begin,
    claims,
    codes_issue,
    freeze_create,
    freezes,
    lock_extend,
    lock_release,
    lock_rule_create,
    lock_take,
    override_approve,
    override_ask,
    overrides,
    ticket_join,
    tickets,
)
from locks.runs import Run
from portal.accounts import policy
from portal.accounts.commands import credential_create, team_create, user_create
from portal.accounts.models import SCOPES
from portal.accounts.queries import actor_of_credential, actor_of_user
from portal.api.urls import urlpatterns as api_urls
from portal.audit.models import Event
from portal.kit.by import By, trusted
from tests.ci.conftest import COMMAND, ROOT
from tests.conftest import SETUP, write
from tests.locks.doors import ADMIN, API, COMMAND_LINE, DOORS, PAGES
from tests.locks.doors.door import DONE, REFUSED, Who, filled
from tests.locks.mutants import plant
from tests.locks.test_freezes import always

TABLE = """
                                          charlie frank bob  olga alice | reader reports asks ci   terraform
ask the gate                              yes     yes   yes  yes  yes   | yes    -       yes  yes  yes
read locks                                yes     yes   yes  yes  yes   | yes    -       yes  yes  yes

take a lock                               yes     yes   yes  yes  yes   | -      -       -    yes  yes
take another's lock over                  held    held  held held held  | -      -       -    held held
take another's lock over, by force        yes     yes   yes  yes  yes   | -      -       -    -    yes
take another's lock over, by force, silent why    why   why  why  why   | -      -       -    why  why
release one's own lock                    yes     yes   yes  yes  yes   | -      -       -    yes  yes
release another's lock                    -       -     yes  yes  yes   | -      -       -    -    yes
release another's lock, by force          yes     yes   yes  yes  yes   | -      -       -    -    yes
release another's lock, by force, silent  why     why   yes  yes  yes   | -      -       -    -    yes
extend one's own lock                     yes     yes   yes  yes  yes   | -      -       -    yes  yes
extend another's lock                     -       -     yes  yes  yes   | -      -       -    -    yes

make a freeze                             -       -     yes  yes  yes   | -      -       -    yes  yes
change one's own freeze                   yes     yes   yes  yes  yes   | -      -       -    yes  yes
change another's freeze                   -       -     yes  yes  yes   | -      -       -    -    yes
end one's own freeze                      yes     yes   yes  yes  yes   | -      -       -    yes  yes
end another's freeze                      -       -     yes  yes  yes   | -      -       -    -    yes

ask to pass another's lock                -       -     yes  yes  yes   | -      -       -    -    yes
approve one's own override                -       -     -    -    -     | -      -       -    -    -
approve another's override                -       -     yes  yes  yes   | -      -       -    -    -
withdraw one's own override               yes     yes   yes  yes  yes   | -      -       -    -    yes
withdraw another's override               -       -     yes  yes  yes   | -      -       -    -    yes

begin a deploy                            yes     yes   yes  yes  yes   | yes    -       yes  yes  yes
go on with one's own claim                yes     yes   yes  yes  yes   | yes    -       yes  yes  yes
go on with another's claim                held    held  held held held  | held   -       held held held
finish one's own claim                    yes     yes   yes  yes  yes   | yes    -       yes  yes  yes
finish another's claim                    held    held  held held held  | held   -       held held held
stop one's own claim                      yes     yes   yes  yes  yes   | -      -       -    yes  yes
stop another's claim                      -       -     yes  yes  yes   | -      -       -    -    yes
wait in line                              yes     yes   yes  yes  yes   | yes    -       yes  yes  yes
leave with one's own ticket               yes     yes   yes  yes  yes   | yes    -       yes  yes  yes
leave with another's ticket               held    held  held held yes   | held   -       held held yes

issue a code                              -       -     -    yes  yes   | -      -       -    -    yes
revoke another's code                     -       -     -    yes  yes   | -      -       -    -    yes
tell of a used code                       yes     yes   yes  yes  yes   | -      yes     yes  yes  yes
change the limits                         -       -     -    -    yes   | -      -       -    -    yes

make a rule                               -       -     -    -    yes   | -      -       -    -    yes
change another's rule                     -       -     -    -    yes   | -      -       -    -    yes
delete another's rule                     -       -     -    -    yes   | -      -       -    -    yes
"""
HEAD, *LINES = [line.replace("|", " ") for line in TABLE.splitlines() if line.strip()]
COLUMNS = HEAD.split()
ROWS = {
    " ".join(line.split()[: -len(COLUMNS)]): dict(zip(COLUMNS, line.split()[-len(COLUMNS) :], strict=True))
    for line in LINES
}
# They change nothing, so nothing is told of them; a sign of life is no event either.
UNTOLD = {"ask the gate", "read locks", "go on with one's own claim"}
PROGRAMS = {
    "reports": ["report"],
    "asks": ["report", "gate", "catalog:read", "catalog:write"],
    "ci": ["report", "gate", "catalog:read", "catalog:write", "lock"],
    "terraform": ["admin"],
}


@pytest.fixture
def cast(shop, bob, alice, settings):
    """Everybody of the table, and Dana, who is the other."""
    settings.ALLOWED_HOSTS = ["*"]
    settings.WHITENOISE_AUTOREFRESH = True  # or every new client looks through all static files
    people = {"bob": bob, "alice": alice}
    for name in ("charlie", "frank", "olga", "dana"):
        people[name] = user_create(f"{name}@example.org", name.title(), password=None, by=SETUP)
    team_create("growth", "Growth", members=[people["frank"]], by=SETUP)
    team_create("platform", "Platform", members=[people["olga"]], by=SETUP)
    write("environment", "production", mode="patch", team=("platform",))
    relations = {"service": ("checkout",), "environment": ("production",)}
    write("deploymentConfig", "checkout-production", relations=relations)
    cast = {name: Who(actor_of_user(user), token(name, [*SCOPES], user)[1], user) for name, user in people.items()}
    cast["reader"] = Who(cast["charlie"].actor, token("reader", ["gate", "catalog:read"], people["charlie"])[1])
    for name, scopes_of in PROGRAMS.items():
        credential, plain = token(name, scopes_of)
        cast[name] = Who(actor_of_credential(credential), plain)
    return cast


def token(name, scopes_of, user=None):
    return credential_create(name, kind="ci", scopes=scopes_of, user=user, by=SETUP)


def scene(deed, who, dana):
    """What the deed is done to: that which is his own, or Dana's. It is there by whatever means."""
    holder = who.actor if "one's own" in deed else dana.actor
    noun = deed.partition("one's own ")[2] or deed.partition("another's ")[2]
    make = SCENES.get(noun.split(",")[0].split(" ")[0])
    return make(catalog.place("checkout", "production"), trusted(By(holder, "page"))) if make else None


def locked(place, by):
    return lock_take(scopes.pair(place), reason="cutting over", by=by)


def frozen(place, by):
    return freeze_create(scopes.pair(place), always(), by=by)


def asked(place, by):
    return override_ask(place, [locked(place, by).public_id], commit="4f2a9c1", reason="fire", by=by)


SCENES = {
    "lock": locked,
    "freeze": frozen,
    "override": asked,
    "claim": lambda place, by: claim_begin(place, Run("gh:7:1"), by=by).claim,
    "ticket": lambda place, by: ticket_join(place, Run("gh:7:1"), by=by).ticket,
    "code": lambda place, by: codes_issue(catalog.environment_named("production"), by=by)[0][0],
    "rule": lambda place, by: lock_rule_create(rules.parse(RULE), by=by),
}
RULE = {"name": "Canary", "on": ["verdict"], "reason": "it is not well"}


def everything():
    """All rows that the gate keeps, and all events, as a mark for each table."""
    models = [*apps.get_app_config("locks").get_models(), Entity, Event]
    marks = [
        f"select '{each}', md5(string_agg(t::text, '|' order by t::text)) from {each} t"
        for each in map(table_of, models)
    ]
    with connection.cursor() as cursor:
        cursor.execute(" union all ".join(marks))
        return dict(cursor.fetchall())


def table_of(model):
    return model._meta.db_table


def answer_at(door, deed, who, dana):
    """What the door says; that it did what it says, and nothing when it refused. Undone afterwards."""
    with transaction.atomic():
        what = scene(deed, who, dana)
        before, last = everything(), Event.objects.latest("pk").pk
        said = door.ask(who, door.deeds[deed], what)
        after, told = everything(), Event.objects.filter(pk__gt=last).exclude(door="clock")
        told = set(told.values_list("actor_key", "door"))
        transaction.set_rollback(True)
    if said != DONE:
        assert after == before, f"{deed}: {said}, and yet something was written"
    elif deed not in UNTOLD:
        assert told == {(who.actor.key, door.name)}, f"{deed}: done, and told by others"
    return said


def differences(door, cast, deeds=None):
    """Sentences, one for each cell of the table that this door answers otherwise."""
    for deed in deeds or door.deeds:
        for name, cell in ROWS[deed].items():
            wanted = cell if name in (door.only or ROWS[deed]) else REFUSED
            if door.asked_by(name, cast[name]) and wanted != (said := answer_at(door, deed, cast[name], cast["dana"])):
                yield f"{deed}: {name} is told {said}, not {wanted}"


@pytest.mark.parametrize("door", DOORS)
def test_every_door_answers_as_the_table_says(cast, door):
    assert list(differences(DOORS[door], cast)) == []


@pytest.mark.parametrize("door", DOORS)
def test_nobody_gets_through_any_door(cast, door):
    nobody = Who(cast["charlie"].actor)
    for deed in DOORS[door].deeds:
        assert answer_at(DOORS[door], deed, nobody, cast["dana"]) == REFUSED, deed


NOT_ASKED = "(lambda *asked, **more: None)(by, ''"
# What it takes to bring somebody through who may not: (the deed of the table, where, right, wrong)
BUGS = {
    "who asks for it may approve it": ("approve one's own override", override_approve, "by.actor.key == override.holder_key", "False"),
    "a program is a second person": ("approve another's override", policy.allows, "rule.in_person and", "False and"),
    "programs release what is not theirs": ("release another's lock", policy.allows, "mine or not rule.own", "True"),
    "strangers own everything": ("stop another's claim", policy.allows, "not actor.teams.isdisjoint(teams)", "True"),
    "a token may what its person may": ("take a lock", policy.allows, "actor.is_bound and", "False and"),
    "who takes by force is not asked why": ("release another's lock, by force, silent", lock_release, "limits.check_reason(reason)", "pass"),
    "taking by force needs no scope": ("release another's lock, by force", lock_release, "require(by, verb", "steal or require(by, verb"),
    "a program takes over": ("take another's lock over, by force", lock_take, 'require(by, "lock.steal"', NOT_ASKED),
    "anybody extends": ("extend another's lock", lock_extend, 'require(by, "lock.extend"', NOT_ASKED),
    "anybody ends a freeze": ("end another's freeze", freezes.freeze_withdraw, 'require(by, "freeze.write"', NOT_ASKED),
    "anybody breaks glass": ("ask to pass another's lock", override_ask, 'require(by, "override.ask"', NOT_ASKED),
    "anybody revokes codes": ("revoke another's code", overrides.code_revoke, 'require(by, "code.issue"', NOT_ASKED),
    "anybody speaks for a claim": ("finish another's claim", claims._require_own, "claim.holder_key != by.actor.key", "False"),
    "anybody leaves the line for others": ("leave with another's ticket", tickets.ticket_withdraw, "held.holder_key != by.actor.key", "False"),
}  # fmt: skip


@pytest.mark.parametrize("bug", BUGS)
def test_the_table_notices_a_planted_bug(cast, monkeypatch, bug):
    deed, function, right, wrong = BUGS[bug]
    plant(monkeypatch, function, right, wrong)
    assert list(differences(API, cast, [deed]))


def test_the_table_notices_a_door_that_writes_although_it_refuses(cast):
    def ask(who, how, what):
        locked(catalog.place("checkout", "production"), trusted(By(who.actor, "api")))
        return REFUSED

    with pytest.raises(AssertionError, match="and yet something was written"):
        list(differences(replace(API, ask=ask), cast, ["take a lock"]))


def test_every_way_to_write_stands_in_the_table():
    """What can be sent to the gate, by a page, by a program and by the command line, is asked for above."""
    paged = {resolve(filled(path, None).replace("//", f"/{NO_ID}/")).view_name for path, _ in PAGES.deeds.values()}
    assert {f"locks:{each.name}" for each in urls.urlpatterns} == paged | OTHER_PAGES
    sent = {(how[0], how[1].partition("?")[0].replace("{id}", "<str:public_id>")) for how in API.deeds.values()}
    sent |= {("patch", "limits/<str:tier>"), ("put", "locks/rules/<str:public_id>")}  # as their put and their patch
    assert {route for route in routes() if route[0] != "get"} <= sent | NO_WRITES
    typed = {how.split()[0] for how in COMMAND_LINE.deeds.values()}
    offered = {name.replace("_", "-") for name in re.findall(r'command\((\w+), "', COMMAND.read_text())}
    assert offered == typed | {"wait", "watch", "report", "where"}


# They read, or keep somebody's own address for his calendar.
OTHER_PAGES = {
    f"locks:{each}"
    for each in (
        *(
            "preview",
            "waiting",
            "override_list",
            "explained",
            "environment_panel",
            "panel",
            "config_panel",
            "lock_detail",
        ),
        *("freeze_list", "freeze_preview", "freeze_detail", "code_list", "feed", "feed_address", "feed_revocation"),
        *("rule_list", "rule_preview", "rule_detail"),
    )
}
NO_WRITES = {("post", "locks/simulation"), ("post", "locks/rules/preview")}
NO_ID = "019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708"
GATE = ("gate", "locks", "claims", "tickets", "overrides", "break-glass", "limits", "freezes")


def routes():
    for each in api_urls:
        route = str(each.pattern)
        if route.startswith(GATE):
            for method in each.callback.cls.http_method_names:
                if method != "options":
                    yield method, route


def test_slack_calls_no_other_command_of_the_gate_than_those_asked_for_above():
    """`ticket_join` and `ticket_withdraw` keep somebody's own place; anybody may wait."""
    asked = {"lock_take", "lock_release", "lock_extend", "ticket_join", "ticket_withdraw"}
    for path in (ROOT / "portal" / "slackbot").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "locks.commands":
                assert {each.name for each in node.names} <= asked | {"DEFAULT", "Until"}, path


def test_the_admin_has_no_other_way_to_write_what_the_gate_keeps():
    ways = {
        model.__name__: sorted(page.get_action(each)[1] for each in page.actions or ())
        for model, page in admin.site._registry.items()
        if model._meta.app_label == "locks"
    }
    assert ways == {"Lock": ["release"], "LockRule": ["disable", "enable"]}
    assert all("lock" in deed or "rule" in deed for deed in ADMIN.deeds)
