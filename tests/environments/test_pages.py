"""Environments with a time to live, as people see and steer them."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from catalog import queries as catalog
from catalog.commands import permissions_update
from deployments.commands import deployment_report
from deployments.environments.commands import (
    environment_request,
    environments_tick,
    step_finish,
    template_create,
    work_claim,
)
from deployments.environments.models import Environment, State, Sweep, Template
from deployments.environments.providers import Answer
from deployments.queries import cells_of
from locks import scopes
from locks.commands import lock_take
from portal.accounts.commands import team_create
from portal.audit.models import Event
from portal.kit.clock import database_now
from tests.conftest import SETUP
from tests.environments.conftest import WISHED, fresh, passes

HOUR = timedelta(hours=1)
INPUTS = {
    "properties": {"branch": {"type": "string", "title": "Branch"}, "size": {"type": "number"}},
    "required": ["branch"],
}


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def worked(*, output="done", now=None):
    """All steps that are due, as a provider would do them that never fails."""
    now = now or database_now()
    while work := work_claim(now):
        state = "gone" if work.call.phase == "verify" else "done"
        step_finish(work, Answer(state, output=output, resources=[{"kind": "disk", "id": "d-1"}]), now=now)
        now += timedelta(minutes=1)


@pytest.fixture
def template(db):
    return template_create(WISHED | {"inputs": INPUTS, "cost_per_hour": "0.5"}, by=SETUP)


@pytest.fixture
def bobs(template, bob, page):
    made = environment_request(template, name="pr-7", ttl=2 * HOUR, reason="PR 7", inputs={"branch": "x"}, by=page(bob))
    worked()
    return fresh(made)


def at(environment, name="detail"):
    return reverse(f"environments:{name}", args=[environment.public_id])


def told(*names):
    return Event.objects.filter(name__in=[f"environment.{each}" for each in names]).count()


def test_a_person_asks_for_one_in_the_form_and_lands_on_its_page(template, bob, settings):
    client, settings.CURRENCY = signed_in(bob), "CHF"
    asked = client.get(reverse("environments:new_of", args=["preview"])).content.decode()
    assert "at most 3 days at a time" in asked and "Branch" in asked and 'name="owner"' not in asked
    assert "warned 2 h and again 15 min before" in asked  # it lives 8 h
    assert "costs 12.00 CHF a day" in asked
    answer = client.post(
        reverse("environments:new_of", args=["preview"]),
        {"name": "pr-8", "ttl": "3h", "team": "payments", "p-branch": "new", "reason": "PR 8"},
    )
    made = Environment.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, at(made))
    assert (made.name, made.owner, made.team, made.inputs) == ("pr-8", bob, "payments", {"branch": "new"})
    assert made.expires_at - made.requested_at == 3 * HOUR


@pytest.mark.parametrize(
    ("said", "field", "sentence"),
    [
        ({"ttl": "9d"}, "ttl", "allows 3 days at a time"),
        ({"ttl": "soon"}, "ttl", "Must be a length of time"),
        ({"p-branch": ""}, "p-branch", "required"),
        ({"p-size": "big"}, "p-size", "is not a number"),
        ({"name": "a b\x01"}, "name", ""),
        ({"name": "x" * 300}, "name", "200"),
        ({"pr_url": "javascript:alert(1)"}, "pr_url", "https"),
        ({"ttl": "9999999d"}, "ttl", "length of time"),
        ({"team": "nobody"}, "team", "valid choice"),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_at_its_field_and_nothing_is_made(template, bob, said, field, sentence):
    answer = signed_in(bob).post(reverse("environments:new_of", args=["preview"]), {"p-branch": "x"} | said)
    assert answer.status_code == 422
    assert any(sentence in each for each in answer.context["form"].errors[field])
    assert not Environment.objects.exists() and not catalog.exists("environment", "pr-8")


def test_one_press_extends_it_and_pressing_twice_is_once(bobs, bob):
    client = signed_in(bob)
    row = client.get(reverse("environments:environment_list")).context["rows"][0]
    assert [each["label"] for each in row["extensions"]] == ["+1 h", "+1 d"]
    for _ in range(2):
        answer = client.post(
            row["extend_url"], {"until": row["extensions"][0]["until"]}, headers={"HX-Request": "true"}
        )
        assert answer.status_code == 204
    assert abs(fresh(bobs).expires_at - bobs.expires_at - HOUR) < timedelta(minutes=1)
    assert told("extended") == 1


def test_a_longer_extension_says_what_it_lacks_and_keeps_what_was_typed(bobs, bob):
    Environment.objects.update(requested_at=database_now() - timedelta(days=6))
    client = signed_in(bob)
    refused = client.post(at(bobs, "extension"), {"ttl": "3d", "reason": ""})
    assert refused.status_code == 422 and "takes a reason" in refused.content.decode()
    assert client.get(at(bobs, "extension"))["Location"] == at(bobs)  # a reload of what was refused
    assert 'value="3d"' in refused.content.decode() and told("extended") == 0
    assert client.post(at(bobs, "extension"), {"ttl": "3d", "reason": "the demo"}).status_code == 303
    assert told("extended") == 1


def test_the_page_keeps_itself_up_to_date(bobs, bob):
    client = signed_in(bob)
    first = client.get(at(bobs))
    live = {"HX-Request": "true", "X-Stamp": first["X-Stamp"]}
    assert client.get(at(bobs), headers=live).status_code == 204
    client.post(at(bobs, "sleep"))
    assert "falling asleep" in client.get(at(bobs), headers=live).content.decode()
    worked(output="stopped the server")
    after = client.get(at(bobs), headers=live).content.decode()
    assert "Asleep" in after and "stopped the server" in after and "<html" not in after


def test_a_teardown_is_shown_before_it_is_done_and_leaves_a_tombstone_that_makes_it_anew(bobs, bob):
    client = signed_in(bob)
    shown = client.get(at(bobs, "teardown")).content.decode()
    assert "d-1" in shown and "folder" in shown and "asked twice" in shown
    assert client.post(at(bobs, "teardown"), {"reason": "merged"}).status_code == 303
    worked()
    tombstone = client.get(at(bobs))
    assert tombstone.status_code == 200 and "merged" in tombstone.content.decode()
    gone = client.get(reverse("environments:environment_list"), {"show": "gone"}).content.decode()
    assert "pr-7" in gone and "Open the environment" not in gone
    assert client.post(at(bobs, "extension"), {"ttl": "1h"}).status_code == 422
    again = client.post(at(bobs, "recreation"))
    made = Environment.objects.exclude(pk=bobs.pk).get()
    assert again["Location"] == at(made) and (made.name, made.inputs) == ("pr-7", {"branch": "x"})
    assert client.post(at(bobs, "recreation")).status_code == 409
    assert Environment.objects.count() == 2


def test_a_lock_stands_in_the_way_of_a_teardown(bobs, bob, page):
    lock_take(
        scopes.named("environment", environment="pr-7"), reason="debugging", until=database_now() + HOUR, by=page(bob)
    )
    client = signed_in(bob)
    assert "debugging" in client.get(at(bobs)).content.decode()
    assert "disabled" in client.get(at(bobs, "teardown")).content.decode()
    assert client.post(at(bobs, "teardown")).status_code == 422
    assert fresh(bobs).state == State.READY and told("teardown_started") == 0


def test_filters_stand_in_the_address(bobs, bob, charlie, page, template):
    soon = environment_request(template, name="late", ttl=timedelta(days=3), inputs={"branch": "y"}, by=page(charlie))
    client = signed_in(bob)

    def names(query):
        return [each["name"] for each in client.get(reverse("environments:environment_list") + query).context["rows"]]

    assert names("") == ["late", "pr-7"]
    assert names("?show=mine") == ["pr-7"]
    assert names("?show=expiring") == ["pr-7"]
    assert names("?state=requested") == ["late"]
    assert names("?team=payments") == ["pr-7"]
    assert names("?q=PR+7") == ["pr-7"]
    assert names("?template=nothing") == names("?show=gone") == names("?show=failed") == []
    assert soon.public_id


def test_what_a_viewer_may_not_see_is_not_there(bobs, charlie, alice):
    permissions_update(catalog.blueprint("environment"), {"read": {"roles": [], "users": [alice.email]}}, by=SETUP)
    client = signed_in(charlie)
    assert client.get(reverse("environments:environment_list")).context["rows"] == []
    for name in ("detail", "teardown"):
        assert client.get(at(bobs, name)).status_code == 404
    assert client.post(at(bobs, "extension"), {"ttl": "1h"}).status_code == 404
    found = client.get(reverse("environments:environment_list") + "?show=mine&state=ready").content.decode()
    assert "pr-7" not in found and "PR 7" not in found


DEEDS = ("extension", "pin", "unpin", "sleep", "wake", "retry", "teardown", "keep")
SAID = {"ttl": "6h", "until": "2030-01-01T00:00", "reason": "mine"}


@pytest.mark.parametrize("deed", DEEDS)
def test_a_stranger_does_nothing_to_it_through_the_pages(bobs, charlie, deed):
    before = fresh(bobs).facts()
    said = {name: value for name, value in SAID.items() if (deed, name) != ("extension", "until")}
    answer = signed_in(charlie).post(at(bobs, deed), said)
    assert answer.status_code in (403, 422), answer.status_code
    assert fresh(bobs).facts() == before and told("extended", "pinned", "sleep_asked", "teardown_started") == 0


def test_a_stranger_is_shown_no_buttons(bobs, charlie, bob):
    strangers = signed_in(charlie).get(at(bobs)).content.decode()
    assert "Tear down" not in strangers and "Extend" not in strangers
    assert "Tear down" in signed_in(bob).get(at(bobs)).content.decode()


def test_the_catalogs_page_has_the_countdown_and_others_have_none(bobs, bob, shop):
    client = signed_in(bob)
    ours = client.get(reverse("environments:panel", args=["pr-7"])).content.decode()
    assert "left" in ours and "+1 h" in ours
    assert "no end" in client.get(reverse("environments:panel", args=["production"])).content.decode()


TEMPLATE = {
    "title": "Rig", "identifier": "rig", "provider": "demo", "tries": "5", "enabled": "on",
    "spec": '{"provision": [{"name": "up"}], "teardown": [{"name": "down"}], "verify": {"name": "gone"}}',
    "default_ttl": "4h", "greatest_ttl": "1d", "soft_cap": "2d", "hard_cap": "3d", "verify_pause": "30s", "orphan_grace": "1h",
}  # fmt: skip


def test_an_administrator_makes_tries_and_changes_a_template(db, alice):
    client = signed_in(alice)
    tried = client.post(reverse("environments:template_new"), TEMPLATE | {"try": "1"})
    assert tried.status_code == 200 and [each["name"] for each in tried.context["tried"]] == ["up", "down", "gone"]
    assert not Template.objects.exists() and not Event.objects.filter(noun="environment_template").exists()
    assert client.post(reverse("environments:template_new"), TEMPLATE).status_code == 303
    edit = reverse("environments:template_edit", args=["rig"])
    shown = client.get(edit).context["form"]
    assert shown["verify_pause"].value() == "30s" and shown["hard_cap"].value() == "3d"
    assert client.post(edit, TEMPLATE | {"title": "Big rig"}).status_code == 303
    assert Template.objects.get().title == "Big rig"


LINES = {name: value for name, value in TEMPLATE.items() if name != "spec"} | {
    "spec-lines": "1", "spec-more": '{"env": ["REGION"]}', "provision-name": ["up", "fill"], "provision-timeout": ["", "30"],
    "provision-url": ["", ""], "provision-argv": ["", ""], "provision-more": ["", '{"size": 2}'],
    "teardown-name": "down", "teardown-timeout": "", "teardown-url": "", "teardown-argv": "", "teardown-more": "",
    "verify-name": "gone", "verify-timeout": "", "verify-url": "", "verify-argv": "", "verify-more": "",
    "inputs-lines": "1", "input-name": ["branch", "size"], "input-title": ["Branch", ""], "input-kind": ["string", "choice"],
    "input-choices": ["", "small, large"], "input-default": ["main", ""], "input-more": ['{"minLength": 1}', ""], "input-required": "0",
    "quiet_hours-lines": "1", "quiet-from": "09:00", "quiet-to": "18:00", "quiet-days": ["0", "4"],
    "team_limits-lines": "1", "limit-team": "payments", "limit-most": "3", "limit-default_ttl": "", "limit-greatest_ttl": "1d",
}  # fmt: skip


def test_lines_of_a_template_mean_the_same_as_its_json_and_keep_what_they_do_not_show(db, alice):
    client, new = signed_in(alice), reverse("environments:template_new")
    added = client.post(new, LINES | {"do": "add.provision"}).context["form"]
    assert len(added.parts["spec"].lines["provision"]) == 3 and not added.is_bound and not Template.objects.exists()
    assert "“x” is no number" in str(client.post(new, LINES | {"verify-timeout": "x"}).context["form"].errors["spec"])
    assert "needs a name" in str(client.post(new, LINES | {"input-name": ["", "b"]}).context["form"].errors["inputs"])
    assert client.post(new, LINES).status_code == 303
    made = Template.objects.get()
    steps = [{"name": "up"}, {"name": "fill", "timeout": 30, "size": 2}]
    assert made.spec == {
        "env": ["REGION"],
        "provision": steps,
        "teardown": [{"name": "down"}],
        "verify": {"name": "gone"},
    }
    assert made.inputs["properties"]["branch"] == {
        "type": "string",
        "title": "Branch",
        "default": "main",
        "minLength": 1,
    }
    assert made.inputs["properties"]["size"] == {"type": "string", "enum": ["small", "large"]}
    assert made.inputs["required"] == ["branch"] and made.quiet_hours == {
        "from": "09:00",
        "to": "18:00",
        "days": [0, 4],
    }
    assert made.team_limits == {"payments": {"most": 3, "greatest_ttl": "1d"}}
    shown = client.get(reverse("environments:template_edit", args=["rig"])).context["form"].parts
    assert all(part.text is None and part.value() == getattr(made, name) for name, part in shown.items())
    turned = client.post(new, LINES | {"do": "turn.spec"}).context["form"]
    assert '"timeout": 30' in turned["spec"].value() and turned["title"].value() == "Rig"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"spec": "{"}, "spec"),
        ({"spec": '{"provision": [{"name": ""}], "teardown": [], "verify": {}}'}, "spec"),
        ({"spec": "[" * 2000}, "spec"),
        ({"inputs": '{"properties": {"a": {"type": "nonsense"}}}'}, "inputs"),
        ({"default_ttl": "2d"}, "default_ttl"),
        ({"hard_cap": "999999d"}, "hard_cap"),
        ({"quiet_hours": '{"from": "9"}'}, "quiet_hours"),
        ({"team_limits": "[1]"}, "team_limits"),
        ({"identifier": "a b"}, "identifier"),
        ({"cost_per_hour": "1e400"}, "cost_per_hour"),
        ({"tries": "0"}, "tries"),
        ({"provider": "webhook"}, "secret"),
        ({"title": ""}, "title"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_template_stands_at_its_field(db, alice, said, field):
    for more in ({}, {"try": "1"}):
        answer = signed_in(alice).post(reverse("environments:template_new"), TEMPLATE | said | more)
        assert answer.status_code == 422 and field in answer.context["form"].errors
    assert not Template.objects.exists()


@pytest.mark.parametrize("name", ["template_list", "template_new", "sweep_list"])
def test_the_pages_of_administrators_are_closed_to_others(template, bob, name):
    assert signed_in(bob).get(reverse(f"environments:{name}")).status_code == 403
    assert signed_in(bob).post(reverse("environments:template_deletion", args=["preview"])).status_code == 403
    assert Template.objects.exists()


def test_an_administrator_sees_what_the_brake_holds_and_lets_it_go(template, alice, bob, page, settings):
    settings.ENVIRONMENT_BRAKE = 1
    for number in range(2):
        environment_request(template, name=f"pr-{number}", ttl=HOUR, inputs={"branch": "x"}, by=page(bob))
    environments_tick(passes(4000))
    environments_tick(passes(4001))
    client = signed_in(alice)
    shown = client.get(reverse("environments:sweep_list"))
    [held] = shown.context["waiting"]
    assert held["number"] == 2 and "pr-0" in shown.content.decode()
    assert "none goes by itself" in client.get(reverse("environments:environment_list")).content.decode()
    refused = signed_in(bob).post(held["release_url"])
    assert refused.status_code == 403 and Sweep.objects.get().state == Sweep.State.BRAKED
    assert client.post(held["release_url"]).status_code == 303
    assert Sweep.objects.get().decided_by == "Alice"


def test_a_suspect_is_kept_or_torn_down(bobs, alice):
    Environment.objects.update(
        state=State.ORPHAN_SUSPECTED, resting=State.READY, suspicion="Its provider does not know it."
    )
    client = signed_in(alice)
    [row] = client.get(reverse("environments:sweep_list")).context["suspects"]
    assert row["was"] == "ready"
    assert client.post(row["keep_url"]).status_code == 303
    assert fresh(bobs).state == State.READY


def test_many_cost_no_more_queries_than_one(bobs, bob, page, template, django_assert_max_num_queries):
    client = signed_in(bob)
    address = reverse("environments:environment_list")
    client.get(address)
    with django_assert_max_num_queries(40) as few:
        client.get(address)
    for number in range(5):
        environment_request(template, name=f"more-{number}", inputs={"branch": "x"}, by=page(bob))
    with django_assert_max_num_queries(len(few)):
        client.get(address)


def test_somebody_elses_name_may_not_be_used_in_a_request(template, bob, charlie, alice):
    team_create("search", "Search", members=[charlie], by=SETUP)
    said = {"p-branch": "x", "owner": charlie.email}
    assert signed_in(alice).post(reverse("environments:new_of", args=["preview"]), said).status_code == 303
    assert Environment.objects.get().owner == charlie
    assert (
        signed_in(bob).post(reverse("environments:new_of", args=["preview"]), said | {"team": "search"}).status_code
        == 422
    )
    assert Environment.objects.count() == 1


def test_it_is_no_column_of_the_matrix_until_something_is_deployed_to_it(bobs, shop, alice):
    client = signed_in(alice)
    assert "pr-7" not in client.get(reverse("deployments:matrix")).content.decode()
    assert "pr-7" not in [each.environment.identifier for each in cells_of(SETUP, "checkout")]
    deployment_report({"service": "checkout", "environment": "pr-7", "version": "1.0", "status": "success"}, by=SETUP)
    assert "pr-7" in client.get(reverse("deployments:matrix")).content.decode()


def test_the_admin_shows_them_without_the_secret(bobs, template, alice):
    Template.objects.update(secret="sealed-secret")
    client = signed_in(alice)
    for address in (
        "environment/",
        f"environment/{bobs.pk}/change/",
        "template/",
        f"template/{template.pk}/change/",
        "sweep/",
    ):
        shown = client.get(f"/admin/environments/{address}")
        assert shown.status_code == 200 and "sealed-secret" not in shown.content.decode()
    assert client.post(f"/admin/environments/template/{template.pk}/change/", {"title": "x"}).status_code == 403
    assert Template.objects.get().title == "Preview"
