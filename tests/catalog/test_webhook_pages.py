"""Pages of webhooks, of secrets and of a blueprint's changelog: what is shown, to whom, and what is never shown."""

import copy
import hashlib
import hmac
import json
import re
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.webhooks.models import Received, Webhook
from portal.accounts.models import Secret
from portal.accounts.organization import secret_create
from portal.audit.models import Delivery, Event
from portal.audit.outbox import deliver_due
from portal.kit import jsontext
from portal.kit.seal import unseal
from tests.catalog.conftest import PAGER, TWO
from tests.catalog.test_changelog import watched
from tests.catalog.test_webhooks import services
from tests.conftest import SETUP, events

HTMX = {"HX-Request": "true"}


@pytest.fixture
def page_of(client, alice):
    client.force_login(alice)

    def get(url, **headers):
        response = client.get(url, headers=headers)
        assert response.status_code == 200, (url, response.status_code)
        return response.content.decode()

    return get


def form(**changes):
    filled = {
        "title": "Pager",
        "identifier": "pages",
        "description": "",
        "enabled": "on",
        "signatureAlgorithm": "sha256",
        "signatureHeaderName": "x-sig",
        "signaturePrefix": "",
        "requestIdentifierPath": "",
        "secret": "hunter2hunter2",
        "mappings": json.dumps(PAGER["mappings"], indent=2),
    }
    return {name: value for name, value in (filled | changes).items() if value is not None}


PATHS = [
    "/webhooks/",
    "/webhooks/!new",
    "/webhooks/pager",
    "/webhooks/pager/edit",
    "/webhooks/pager/try",
    "/secrets",
    "/secrets/!new",
    "/secrets/token",
    "/catalog/!changelog/of/service",
]
DEEDS = [
    "/webhooks/!new",
    "/webhooks/pager/edit",
    "/webhooks/pager/address",
    "/webhooks/pager/removal",
    "/webhooks/pager/try",
    "/webhooks/pager/replay",
    "/secrets/!new",
    "/secrets/token",
    "/secrets/token/removal",
    "/catalog/!changelog/of/service",
    "/catalog/!changelog/trial/service",
    "/catalog/!changelog/again/service",
]


def test_only_administrators_get_in(pager, client, bob):
    secret_create("token", "hunter2", by=SETUP)
    client.force_login(bob)
    before = events()
    assert {path: client.get(path).status_code for path in PATHS} == dict.fromkeys(PATHS, 403)
    assert {path: client.post(path, form(name="x", value="y")).status_code for path in DEEDS} == dict.fromkeys(
        DEEDS, 403
    )
    assert events() == before
    assert "Webhooks" not in client.get("/").content.decode()


def test_every_page_opens_and_none_shows_a_secret(pager, sender, page_of):
    secret_create("token", "hunter2", by=SETUP)
    sender.send(TWO, Authorization="Bearer hunter2", **{"X-Api-Token": "hunter2"})
    sender.send({"services": [{"name": "nameless"}], "password": "hunter2"}, delivery="2")
    sender.secret = "wrong"
    sender.send(TWO, delivery="3")
    deliver_due()
    urls = [each.get_absolute_url() for each in Received.objects.all()]
    tries = [f"/webhooks/pager/try?received={each.public_id}" for each in Received.objects.exclude(state="refused")]
    for path in [*PATHS, *urls, *tries, "/audit"]:
        assert "hunter2" not in page_of(path), path
    assert "hunter2" not in json.dumps([[each.before, each.after, each.payload] for each in Event.objects.all()])


def test_the_log_says_what_became_of_each_and_is_narrowed(pager, sender, page_of):
    sender.send(TWO)
    sender.send(TWO)
    sender.send({"services": [{"name": "nameless"}]}, delivery="2")
    sender.send({}, event="ping", delivery="3")
    deliver_due()
    log = page_of("/webhooks/pager")
    assert "2 created" in log and "came 2 times" in log and "1 refused" in log
    assert "identifier: came to null" in page_of("/webhooks/pager?state=failed")
    assert "2 created" not in page_of("/webhooks/pager?state=failed")
    assert "2 created" in page_of("/webhooks/pager?status=created")
    assert "Nothing fits" in page_of("/webhooks/pager?status=deleted")
    failed = page_of(Received.objects.get(state="failed").get_absolute_url())
    assert "mappings.0.entity.identifier" in failed


def test_the_log_asks_as_often_for_fifty_rows_as_for_one(pager, page_of):
    webhook = Webhook.objects.get()

    def asked(path):
        with CaptureQueriesContext(connection) as seen:
            page_of(path)
        return len(seen)

    paths = ["/webhooks/", "/webhooks/pager", "/webhooks/pager/try"]
    Received.objects.create(webhook=webhook, state="failed", counts={"refused": 1}, body={})
    one = [asked(path) for path in paths]
    Received.objects.bulk_create(
        Received(webhook=webhook, state="done", counts={"created": 1}, body={}) for _ in range(60)
    )
    assert [asked(path) for path in paths] == one
    assert 'rel="next"' in page_of("/webhooks/pager")


def test_a_replay_and_all_that_failed(pager, sender, page_of, client):
    for number in range(3):
        sender.send({"services": [{"key": f"s{number}"}]}, delivery=str(number))
    deliver_due()
    mended = copy.deepcopy(PAGER["mappings"])
    mended[0]["entity"]["identifier"] = ".item.key"
    pager.send("patch", "webhooks/pager", {"mappings": mended})
    first = Received.objects.order_by("id").first()
    assert client.post(f"{first.get_absolute_url()}/replay").status_code == 303
    assert client.post(f"{first.get_absolute_url()}/replay").status_code == 303
    assert events("webhook.received") == ["webhook.received"] * 4
    deliver_due()
    assert client.post("/webhooks/pager/replay").status_code == 303
    deliver_due()
    assert services() == ["checkout", "s0", "s1", "s2", "search"]
    assert {(each.state, each.replays, each.replayed_by) for each in Received.objects.all()} == {("done", 1, "Alice")}
    client.post(f"{first.get_absolute_url()}/replay")
    deliver_due()
    first.refresh_from_db()
    assert first.counts == {"unchanged": 1, "filtered": 1}


def test_what_was_refused_at_the_door_is_not_replayed(pager, sender, client, page_of):
    sender.secret = "wrong"
    sender.send(TWO)
    url = Received.objects.get().get_absolute_url()
    assert client.post(f"{url}/replay").status_code == 409
    assert "It was not kept" in page_of(url)
    deliver_due()
    assert services() == ["checkout", "search"]


def tried(client, **data):
    return client.post("/webhooks/pager/try", {"headers": "", "query": ""} | data)


def test_a_trial_shows_the_entity_and_writes_nothing(pager, page_of, client):
    before = events()
    answer = tried(client, body=json.dumps(TWO), headers="X-Event: service\nX-Delivery: 7").content.decode()
    assert "is missing" in answer and "calls this delivery" in answer
    assert "https://x.example/cart" in answer and "created" in answer
    assert services() == ["checkout", "search"] and events() == before


def test_a_trial_knows_a_right_signature_and_a_wrong_one(pager, sender, page_of, client):
    body = json.dumps(TWO, indent=1)
    proof = hmac.new(b"hunter2", body.encode(), hashlib.sha256).hexdigest()
    for text in (body, body.replace("\n", "\r\n")):  # as browsers send it
        answer = tried(client, body=text, headers=f"X-Hub-Signature-256: sha256={proof}\nX-Event: service")
        assert "The signature is that of this body" in answer.content.decode()
    answer = tried(client, body=body + " ", headers=f"X-Hub-Signature-256: sha256={proof}\nX-Event: service")
    assert "is not that of this body" in answer.content.decode()


def test_a_trial_points_at_the_expression_that_is_wrong(pager, page_of, client):
    broken = copy.deepcopy(PAGER["mappings"][:1])
    broken[0]["entity"]["relations"] = {"dependsOn": ".item.id + '-x'"}
    pager.send("patch", "webhooks/pager", {"mappings": broken})
    items = {"services": [{"id": "cart", "source": 7}]}
    answer = tried(client, body=json.dumps(items), headers="X-Event: service").content.decode()
    assert "mappings.0.entity.relations.dependsOn" in answer and "Left out: properties.description" in answer


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"body": ""}, "required"),
        ({"body": "{\n]"}, "line 2"),
        ({"body": "[" * 100 + "]" * 100}, "levels deep"),
        ({"body": '"\\u0000"'}, "U+0000"),
        ({"body": "1e400"}, ""),
        ({"body": "{}", "headers": "nothing"}, "Line 1 is no header"),
        ({"body": "{}", "query": "\n=x"}, "Line 2"),
    ],
)
def test_a_trial_of_nonsense_says_what_is_wrong(pager, page_of, client, data, told):
    answer = tried(client, **data)
    assert answer.status_code in (200, 422) if not told else answer.status_code == 422
    assert told in answer.content.decode()


def test_a_webhook_is_made_and_its_new_secret_is_shown_once(shop, page_of, client):
    answer = client.post("/webhooks/!new", form(secret="", make_secret="on"))
    assert answer.status_code == 200 and answer["Cache-Control"] == "no-store"
    webhook = Webhook.objects.get()
    secret = unseal(webhook.secret)
    assert secret in answer.content.decode() and len(secret) > 40
    assert secret not in page_of("/webhooks/pages") + page_of("/webhooks/pages/edit")
    assert webhook.key in page_of("/webhooks/pages")
    assert client.post("/webhooks/pages/edit", form(title="Other", secret="")).status_code == 303
    webhook.refresh_from_db()
    assert (webhook.title, unseal(webhook.secret)) == ("Other", secret)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"title": ""}, "required"),
        ({"secret": ""}, "without it nothing is proved"),
        ({"signatureHeaderName": ""}, "in which header"),
        ({"mappings": "[\n{]"}, "line 2, column 2"),
        ({"mappings": "{}"}, "mappings"),
        ({"mappings": '[\n  {"blueprint": "service",\n   "entity": {\n     "identifier": ".a |"}}]'}, "Line 4, mappings.0.entity.identifier"),
        ({"mappings": '[{"blueprint": "service"}]'}, "Line 1, mappings.0"),
        ({"requestIdentifierPath": ".a |"}, "not a jq program"),
        ({"identifier": "!new"}, "ay not hold"),
        ({"identifier": "a/b"}, "ay not hold"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_webhook_stands_at_its_place_and_nothing_is_made(shop, page_of, client, changes, told):
    answer = client.post("/webhooks/!new", form(**changes))
    assert answer.status_code == 422 and told in answer.content.decode()
    assert not Webhook.objects.exists() and events("webhook") == []


def test_another_address_ends_the_old_one(pager, sender, page_of, client):
    assert client.post("/webhooks/pager/address").status_code == 303
    assert sender.send(TWO).status_code == 404
    assert Webhook.objects.get().key in page_of("/webhooks/pager")


def test_taking_the_proof_away_takes_the_secret_away(pager, page_of, client):
    client.post("/webhooks/pager/edit", form(signatureAlgorithm="", requestIdentifierPath=".headers.'x-delivery'"))
    webhook = Webhook.objects.get()
    assert webhook.secret == "" and webhook.security == {"requestIdentifierPath": ".headers.'x-delivery'"}


def test_a_webhook_is_deleted_and_what_it_wrote_stays(pager, sender, page_of, client):
    sender.send(TWO)
    deliver_due()
    assert client.post("/webhooks/pager/removal").status_code == 303
    assert services() == ["cart", "checkout", "search", "till"] and not Received.objects.exists()


def test_a_secret_is_made_changed_and_deleted_and_says_by_whom(page_of, client):
    assert client.post("/secrets/!new", {"name": "token", "value": "hunter2", "description": ""}).status_code == 303
    assert client.post("/secrets/token", {"value": "", "description": "For the pager"}).status_code == 303
    assert unseal(Secret.objects.get().sealed) == "hunter2"
    shown = page_of("/secrets")
    assert "For the pager" in shown and "Alice" in shown and "hunter2" not in shown
    client.post("/secrets/token", {"value": "other", "description": ""})
    assert unseal(Secret.objects.get().sealed) == "other"
    assert client.post("/secrets/token/removal").status_code == 303
    assert events("secret") == ["secret.created", "secret.updated", "secret.updated", "secret.deleted"]


@pytest.mark.parametrize(
    "data", [{"name": "a b", "value": "x"}, {"name": "é", "value": "x"}, {"name": "a", "value": ""}, {"name": "a" * 101, "value": "x"}]
)  # fmt: skip
def test_a_secret_that_is_none_is_refused(page_of, client, data):
    assert client.post("/secrets/!new", data).status_code == 422
    assert not Secret.objects.exists()


def test_the_changes_of_a_blueprint_are_sent_where_its_page_says(page_of, client, settings):
    settings.OUTGOING_NETWORKS = []
    blueprint = watched("http://127.0.0.1:9/hook")
    deliver_due()
    shown = page_of("/catalog/!changelog/of/box")
    assert "http://127.0.0.1:9/hook" in shown and "given up" in shown and "does not call" in shown
    assert client.post("/catalog/!changelog/trial/box").status_code == 303
    assert client.post("/catalog/!changelog/again/box").status_code == 303
    assert Delivery.objects.filter(state="pending").count() == 2
    assert client.post("/catalog/!changelog/of/box", {"url": "nowhere"}).status_code == 422
    assert client.post("/catalog/!changelog/of/box", {"url": ""}).status_code == 303
    blueprint.refresh_from_db()
    assert blueprint.changelog_destination is None
    assert client.post("/catalog/!changelog/trial/box").status_code == 409
    assert "Changes" in page_of("/catalog/box/entities")


def test_a_change_that_is_due_goes_next_and_never_in_ended(page_of, client, settings):
    settings.OUTGOING_NETWORKS = []
    watched("http://127.0.0.1:9/hook")
    deliver_due()
    Delivery.objects.update(state="pending", attempts=1, due_at=timezone.now() - timedelta(seconds=5))
    shown = page_of("/catalog/!changelog/of/box")
    assert 'href="/secrets/!new?name=changelog-signing"' in shown
    assert "goes next" in shown and "in ended" not in shown


@pytest.mark.parametrize(
    ("path", "line"),
    [("", 1), ("0", 2), ("0.a", 2), ("0.b.1", 4), ("0.b.7", 3), ("1", 6), ("nowhere", 1), ("0.b.1.x", 4)],
)
def test_the_line_of_a_part_of_a_text(path, line):
    text = '[\n  {"a": "x\\"]},",\n   "b": [1,\n    2]\n  },\n  null]'
    assert json.loads(text) and jsontext.line_of(text, path) == line


def test_the_pages_are_whole_html(pager, page_of):
    for path in PATHS[:5]:
        html = page_of(path)
        ids = re.findall(r'\sid="([^"]+)"', html)
        assert len(ids) == len(set(ids)), path
    assert "<html" not in page_of("/webhooks/pager", **HTMX)


def test_a_former_key_may_go_once_everything_is_sealed_anew(pager, alice, settings, capsys):
    secret_create("token", "hunter3", by=SETUP)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, [settings.SECRET_KEY]
    call_command("reseal")
    settings.SECRET_KEY_FALLBACKS = []
    assert (unseal(Webhook.objects.get().secret), unseal(Secret.objects.get().sealed)) == ("hunter2", "hunter3")
    settings.SECRET_KEY = "newer" * 20
    with pytest.raises(CommandError, match="token"):
        call_command("reseal")
    assert "hunter" not in "".join(capsys.readouterr())


def test_great_bodies_are_not_read_for_the_log_and_not_all_at_once(pager, page_of, terraform):
    hook = Webhook.objects.get()
    many = [Received(webhook=hook, body={"text": "x" * 1_000_000}, state="done") for _ in range(12)]
    Received.objects.bulk_create(many)
    with CaptureQueriesContext(connection) as asked:
        page_of("/webhooks/pager")
    assert not any('"webhooks_received"."body"' in each["sql"] for each in asked)
    assert len(terraform.get("webhooks/pager/received").json["received"]) == 9
