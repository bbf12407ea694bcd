"""/v1/notifications: routes are made, read, changed, tried and deleted by programs, and keep their secrets."""

from locks import scopes
from locks.commands import lock_release, lock_take
from portal.audit.models import Delivery, Event
from portal.kit.seal import unseal
from portal.notifications.commands import route_change
from portal.notifications.defaults import DEFAULTS
from portal.notifications.models import Route
from portal.notifications.routing import SUBSCRIBER
from tests.conftest import SETUP, events

ROUTES = "notifications/routes"
SECRET = "a secret of the larder"
WISH = {
    "name": "Locks of payments",
    "events": ["lock.*"],
    "teams": ["payments"],
    "services": ["checkout"],
    "quiet": {"from": "22:00", "until": "07:00", "zone": "Europe/Dublin"},
    "to": "webhook",
    "address": "https://hooks.example.org/s3cret/path",
    "secret": SECRET,
}


def made(program, **more):
    answer = program.post(ROUTES, WISH | more)
    assert answer.status == 201, answer.json
    return answer.json["route"]


def happened():
    """To routes, after those that the portal comes with were made."""
    return events("route")[len(DEFAULTS) :]


def at(route, part=""):
    return f"{ROUTES}/{route['id']}{part}"


def test_a_route_is_made_read_changed_replaced_and_deleted(terraform, only):
    route = made(terraform)
    assert {name: route[name] for name in ("events", "teams", "services", "quiet", "enabled", "dry", "signed")} == {
        **{name: WISH[name] for name in ("events", "teams", "services", "quiet")},
        "enabled": True,
        "dry": False,
        "signed": True,
    }
    assert terraform.get(at(route)).json["route"] == route
    assert terraform.get(ROUTES).json["routes"] == [route]
    changed = terraform.send("patch", at(route), {"dry": True}).json["route"]
    assert changed == route | {"dry": True, "updated_at": changed["updated_at"]}
    letter = {"name": "Letters", "events": ["freeze.*"], "to": "email", "address": "dana@example.org"}
    replaced = terraform.send("put", at(route), letter).json["route"]
    assert (replaced["services"], replaced["quiet"], replaced["dry"], replaced["signed"]) == ([], None, False, False)
    channel = {"to": "channel", "address": "#ops"}
    assert terraform.send("patch", at(route), channel).json["route"]["address"] == "ops"
    assert terraform.send("patch", at(route), {"to": "place"}).json["route"]["address"] is None
    assert terraform.delete(at(route)).json == {"ok": True}
    assert not Route.objects.exists() and terraform.get(at(route)).status == 404
    assert happened() == ["route.created", *["route.updated"] * 4, "route.deleted"]


def test_no_answer_tells_a_secret_or_a_whole_address(terraform, only, slack):
    hook, letter = made(terraform), made(terraform, name="Letters", to="email", address="dana@example.org", secret=None)
    said = [
        hook,
        letter,
        terraform.get(ROUTES).json,
        terraform.send("patch", at(hook), {"secret": "another " + SECRET}),
    ]
    said += [terraform.get(at(hook, "/preview")), terraform.send("post", at(hook, "/test"), "")]
    said += [terraform.post(f"{ROUTES}/preview", WISH), list(Event.objects.values_list("after", "payload"))]
    assert not any(word in str(said) for word in ("s3cret", SECRET, "dana@"))
    assert (hook["address"], letter["address"]) == ("https://hooks.example.org/•••", "•••@example.org")


def test_what_is_shown_and_sent_back_keeps_the_address_and_the_same_again_is_no_event(terraform, only):
    route = made(terraform)
    shown = {name: route[name] for name in WISH if name != "secret"}
    assert terraform.send("put", at(route), shown).json["route"] == route
    assert terraform.send("put", at(route), WISH).json["route"] == route
    assert terraform.send("patch", at(route), {}).json["route"] == route
    kept = Route.objects.get()
    assert kept.address == WISH["address"] and unseal(kept.sealed_secret) == SECRET
    assert happened() == ["route.created"]
    assert terraform.send("patch", at(route), {"secret": None}).json["route"]["signed"] is False


def test_a_change_leaves_what_somebody_else_changed_meanwhile(only):
    route = only(to="place")
    route_change(Route.objects.get(), {"teams": ["payments"]}, by=SETUP)
    route_change(route, {"dry": True}, by=SETUP)
    kept = Route.objects.get()
    assert (kept.teams, kept.dry) == (["payments"], True)


WRONG = [
    ({"name": ""}, "name"),
    ({"events": ["nothing.*"]}, "events"),
    ({"tiers": ["prod"]}, "tiers.0"),
    ({"quiet": {"from": "22:00"}}, "quiet"),
    ({"quiet": {"from": "22:00", "until": "07:00", "zone": "Moon"}}, "quiet.zone"),
    ({"address": None}, "address"),
    ({"address": "https://hooks.example.org/•••/x"}, "address"),
    ({"secret": "short"}, "secret"),
    ({"to": "place"}, "address"),
    ({"servces": ["checkout"]}, "body"),
]


def test_what_is_wrong_is_told_by_its_path_and_nothing_is_kept(terraform, only):
    kept = f"{ROUTES}/{only().public_id}"
    before = Route.objects.values().get()
    for wrong, path in WRONG:
        for verb, where in (("post", ROUTES), ("post", f"{ROUTES}/preview"), ("put", kept), ("patch", kept)):
            answer = terraform.send(verb, where, WISH | wrong)
            assert answer.status == 422, (verb, wrong)
            assert path in [each["path"] for each in answer.json["details"]["errors"]], (verb, wrong)
    assert Route.objects.values().get() == before and happened() == ["route.created"]


def test_a_name_that_is_taken_is_refused(terraform, only):
    first = made(terraform)
    assert terraform.post(ROUTES, WISH).json["error"] == "name_taken"
    other = made(terraform, name="Others")
    assert terraform.send("patch", at(other), {"name": first["name"]}).status == 409
    assert sorted(Route.objects.values_list("name", flat=True)) == ["Locks of payments", "Others"]


def test_a_program_that_only_reads_learns_no_address_and_no_service_and_changes_nothing(terraform, ci, only):
    route = made(terraform)
    for shown in (ci.get(ROUTES).json["routes"], [ci.get(at(route)).json["route"]]):
        assert shown == [route | {"services": None, "address": None}]
    calls = [
        ci.post(ROUTES, WISH),
        ci.post(f"{ROUTES}/preview", WISH),
        ci.get(at(route, "/preview")),
        ci.delete(at(route)),
    ]
    calls += [ci.send(verb, at(route), {"dry": True}) for verb in ("put", "patch")] + [ci.post(at(route, "/test"), {})]
    assert {each.status for each in calls} == {403}
    assert happened() == ["route.created"] and not Delivery.objects.exclude(subscriber=SUBSCRIBER).exists()


def test_a_preview_shows_what_a_route_would_tell_and_tells_nobody(terraform, shop, only, slack):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=SETUP)
    lock_release(lock, by=SETUP)
    told = Delivery.objects.count()
    draft = {"events": ["lock.*"], "to": "place"}
    found = terraform.post(f"{ROUTES}/preview", draft).json
    assert (found["matched"], [each["name"] for each in found["events"]]) == (2, ["lock.released", "lock.taken"])
    assert "unlocked" in found["shown"]["subject"] and "debugging" in found["shown"]["text"]
    assert found["shown"]["slack"]["blocks"] and found["shown"]["webhook"]["event"]["name"] == "lock.released"
    route = made(terraform, quiet=None)
    taken = found["events"][1]["id"]
    shown = terraform.get(at(route, "/preview"), of=taken).json["shown"]
    assert shown["of"] == taken and "unlocked" not in shown["subject"]
    assert terraform.post(f"{ROUTES}/preview", draft | {"tiers": ["staging"]}).json["shown"] is None
    for answer in (
        terraform.get(at(route, "/preview"), of=route["id"]),
        terraform.post(at(route, f"/test?of={route['id']}"), {}),
    ):
        assert answer.status == 404
    assert Delivery.objects.count() == told and Route.objects.count() == 1


def test_a_test_is_on_its_way_and_one_that_would_reach_nobody_is_refused(terraform, only, settings):
    route = made(terraform)
    answer = terraform.send("post", at(route, "/test"), "")
    [owed] = Delivery.objects.filter(subscriber="webhook")
    assert answer.status == 202 and answer.json["log"].endswith("/notifications/log")
    assert answer.json["notifications"] == [{"id": str(owed.public_id), "medium": "webhook"}]
    settings.SLACK_BOT_TOKEN = ""
    place = terraform.send("patch", at(route), {"to": "place", "secret": None}).json["route"]
    refused = terraform.send("post", at(place, "/test"), "")
    assert (refused.status, refused.json["error"]) == (409, "nobody")
    assert Delivery.objects.filter(event__name="route.tested").count() == 1
