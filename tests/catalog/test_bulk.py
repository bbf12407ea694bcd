"""Many entities changed, deleted and brought back by one command each."""

from importlib import import_module

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.commands import blueprint_create, changes_undo, entities_edit, entities_remove, entity_delete, entity_write
from catalog.commands.bulk import MOST
from catalog.models import Entity, Relation
from catalog.wishes import Wish
from locks import scopes
from locks.commands import lock_take
from portal.audit.models import Event
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid, Missing
from tests.conftest import SETUP, events, write


def change(identifier, seen="", **properties):
    return Wish("service", identifier, "patch", properties=properties, given=frozenset({"properties"}), seen=seen)


def service(identifier):
    return Entity.objects.get(blueprint__identifier="service", identifier=identifier)


def facts():
    entities = {
        (each.blueprint.identifier, each.identifier): (each.title, each.team, each.properties)
        for each in Entity.objects.select_related("blueprint")
    }
    arrows = set(Relation.objects.values_list("source__identifier", "name", "target__identifier"))
    return entities, arrows


@pytest.fixture
def fleet(shop):
    write("service", "cart", team=("payments",), relations={"dependsOn": ("checkout", "search")})
    write("service", "tax", properties={"language": "Java"}, relations={"dependsOn": ("cart",)})


@pytest.fixture
def lids(fleet):
    """Two lids of cart and one of tax: a lid needs its service."""
    needs = {"of": {"target": "service", "required": True}}
    blueprint_create({"identifier": "lid", "title": "Lid", "schema": {"properties": {}}, "relations": needs}, by=SETUP)
    for name, of in (("l1", "cart"), ("l2", "cart"), ("l3", "tax")):
        write("lid", name, relations={"of": (of,)})


def test_each_is_changed_by_itself_and_what_is_refused_stays(fleet, page, bob):
    done = entities_edit([change("cart", language="Go"), change("tax", language="Go"), change("nobody")], by=page(bob))
    assert [outcome.is_change for outcome in done] == [True, False, False]
    assert "may not change" in done[1].refused and "was not found" in done[2].refused
    assert service("cart").properties == {"language": "Go"} and service("tax").properties == {"language": "Java"}
    assert (done[0].before["properties"], done[0].after["properties"]) == ({}, {"language": "Go"})


def test_a_preview_says_the_same_and_writes_nothing(fleet, page, bob):
    wishes = [change("cart", language="Go"), change("tax", language="Go")]
    before, seen = facts(), events()
    told = entities_edit(wishes, preview=True, by=page(bob))
    assert (facts(), events()) == (before, seen)
    assert entities_edit(wishes, by=page(bob)) == told


def test_what_somebody_changed_meanwhile_is_refused(fleet):
    seen = service("cart").updated_at.isoformat()
    write("service", "cart", mode="merge", properties={"language": "Rust"})
    (outcome,) = entities_edit([change("cart", seen, language="Go")], by=SETUP)
    assert "meanwhile" in outcome.refused and service("cart").properties == {"language": "Rust"}
    (outcome,) = entities_remove("service", {"cart": seen}, by=SETUP)
    assert "meanwhile" in outcome.refused and service("cart")


def test_too_many_are_refused_whole(fleet):
    with pytest.raises(Invalid, match="500 can be changed at once"):
        entities_edit([change("cart", language="Go")] * (MOST + 1), by=SETUP)
    assert service("cart").properties == {}


def test_what_others_need_is_kept_and_they_are_named(lids):
    told = entities_remove("service", {"cart": "", "search": ""}, by=SETUP)
    assert told[0].needed_by == (("lid", "l1", "l1"), ("lid", "l2", "l2")) and told[0].refused
    assert not told[1].refused and service("cart")


def test_with_their_dependents_they_go(lids):
    told = entities_remove("service", {"cart": ""}, dependents=True, by=SETUP)
    assert told[0].taken == (("lid", "l1", "l1"), ("lid", "l2", "l2")) and not told[0].refused
    assert list(Entity.objects.filter(blueprint__identifier="lid").values_list("identifier", flat=True)) == ["l3"]


def test_needed_by_too_many_it_stays_and_so_do_they(lids, page, alice, client, monkeypatch):
    monkeypatch.setattr(import_module("catalog.queries.entities"), "MOST_DEPENDENTS", 1)
    before = facts()
    told = entities_remove("service", {"cart": "", "search": ""}, dependents=True, by=SETUP)
    assert told[0].refused.startswith("More than 1 entities need “cart”") and not told[1].refused
    with pytest.raises(Conflict, match="too many to go with it at once"):
        entity_delete(service("cart"), dependents=True, by=page(alice))
    client.force_login(alice)
    answer = client.post("/catalog/!delete/service/entities/cart", {"all": "2"})
    assert answer.status_code == 409 and b"button-danger" not in answer.content and b"too many" in answer.content
    assert facts()[0].keys() == before[0].keys() - {("service", "search")}


def test_more_of_them_ask_no_more_questions(shop):
    """They go, come back and change together, however many they are."""

    def asked(number):
        names = [f"s{number}-{each}" for each in range(number)]
        for name in names:
            write("service", name, relations={"dependsOn": ("checkout",)})
        counts = []
        for do in (
            lambda: entities_edit([change(name, language="Go") for name in names], by=setup()),
            lambda: undone(),
            lambda: entities_remove("service", dict.fromkeys(names, ""), by=setup()),
            lambda: undone(),
        ):
            with CaptureQueriesContext(connection) as seen:
                told = do()
            assert [each.refused for each in told] == [""] * number
            counts.append(len(seen))
        return counts

    asked(2)  # fills what is remembered of blueprints
    (edit, put_back, removal, restored), (*more, more_removal, more_restored) = asked(3), asked(12)
    assert (removal, restored) == (more_removal, more_restored)
    assert [each - was for each, was in zip(more, (edit, put_back), strict=True)] <= [
        9 * 3,
        9 * 3,
    ]  # what follows a change


def test_what_is_held_stays_and_the_others_go(shop, fleet):
    lock_take(scopes.pair(shop.search_production), reason="debugging", by=SETUP)
    told = entities_remove("service", dict.fromkeys(["cart", "search", "nobody", "tax"], ""), by=SETUP)
    assert [bool(each.refused) for each in told] == [False, True, True, False]
    assert "release it first" in told[1].refused and service("search")
    assert not Entity.objects.filter(identifier__in=["cart", "tax"]).exists()


def test_those_that_need_each_other_go_together(shop):
    needs = {"in": {"target": "box", "required": False}, "on": {"target": "box", "required": True}}
    blueprint_create({"identifier": "box", "title": "Box", "schema": {"properties": {}}, "relations": needs}, by=SETUP)
    write("box", "a", relations={"on": ("a",)})
    write("box", "b", relations={"on": ("a",)})
    told = entities_remove("box", {"a": "", "b": ""}, by=SETUP)
    assert [outcome.refused for outcome in told] == ["", ""]


def setup():
    """The portal itself, in a request of its own."""
    return By(SETUP.actor, "page")


def undone():
    """The last request, undone by another."""
    return changes_undo(Event.objects.order_by("-id")[0].trace, by=setup())


def test_an_edit_is_undone_to_the_letter(fleet):
    before = facts()
    wish = Wish(
        "service", "cart", "patch", rename="basket", title="Basket", team=(), properties={"language": "Go"},
        relations={"dependsOn": ()}, given=frozenset({"title", "team", "properties", "relations"}),
    )  # fmt: skip
    entity_write(wish, by=setup())
    assert facts() != before
    (outcome,) = undone()
    assert not outcome.refused and facts() == before
    (again,) = undone()
    assert again.after["identifier"] == "basket" and again.after["properties"] == {"language": "Go"}


def test_an_undo_refuses_what_has_changed_since_and_says_which(fleet):
    by = setup()
    entities_edit([change("cart", language="Go"), change("tax", language="Go")], by=by)
    write("service", "tax", mode="merge", properties={"language": "Rust"})
    before = facts()
    told = changes_undo(by.trace, preview=True, by=SETUP)
    assert facts() == before
    assert {outcome.identifier: outcome.refused for outcome in told} == {
        "cart": "",
        "tax": "setup has changed it since.",
    }
    assert changes_undo(by.trace, by=SETUP) == told
    assert (service("cart").properties, service("tax").properties) == ({}, {"language": "Rust"})


def test_a_deletion_is_undone_with_all_arrows(lids):
    write("service", "search", mode="merge", relations={"dependsOn": ("cart", "tax")})
    before = facts()
    by = setup()
    entities_remove("service", {"cart": "", "search": ""}, dependents=True, by=by)
    told = changes_undo(by.trace, preview=True, by=SETUP)
    assert facts() != before
    assert [outcome.refused for outcome in told] == [""] * 4
    changes_undo(by.trace, by=SETUP)
    assert facts() == before


def test_an_identifier_that_is_taken_again_is_not_overwritten(fleet):
    entity_delete(service("tax"), by=setup())
    trace = Event.objects.order_by("-id")[0].trace
    write("service", "tax", title="Another")
    (outcome,) = changes_undo(trace, by=SETUP)
    assert "already exists" in outcome.refused and service("tax").title == "Another"


def test_only_who_may_write_may_undo(fleet, page, bob, charlie):
    entity_write(change("cart", language="Go"), by=page(bob))
    trace, seen = Event.objects.order_by("-id")[0].trace, events()
    (outcome,) = changes_undo(trace, by=page(charlie))
    assert "may not change" in outcome.refused and events() == seen
    assert service("cart").properties == {"language": "Go"}


def test_what_changed_no_entity_cannot_be_undone(shop):
    with pytest.raises(Missing):
        changes_undo(By(SETUP.actor, "page").trace, by=SETUP)


def test_what_changed_too_many_is_not_undone_at_once(shop):
    by = setup()
    for number in range(MOST + 1):
        Event.objects.create(
            name="entity.updated", noun="entity", noun_id=str(number), trace=by.trace, actor_kind="system",
            actor_key="system:setup", actor_name="setup", door="page", before={}, after={},
        )  # fmt: skip
    with pytest.raises(Invalid, match="more than 500"):
        changes_undo(by.trace, by=setup())
