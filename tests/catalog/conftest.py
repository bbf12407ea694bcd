"""Pager, a webhook that writes services, and who sends it payloads; `there`, an address that changes are sent to."""

import hashlib
import hmac
import json

import pytest
from django.test import Client

from catalog.commands import blueprint_create
from catalog.models import Blueprint
from tests.catalog.vaults import VAULT
from tests.conftest import SETUP, write

PAGER = {
    "identifier": "pager",
    "title": "Pager",
    "enabled": True,
    "mappings": [
        {
            "blueprint": "service",
            "filter": ".headers.'x-event' == 'service'",
            "itemsToParse": ".body.services",
            "entity": {
                "identifier": ".item.id",
                "title": ".item.name // .item.id",
                "team": "[.item.team]",
                "properties": {"description": "'From ' + .item.source", "url": "'https://x.example/' + .item.id"},
            },
        },
        {
            "blueprint": "service",
            "operation": "delete",
            "filter": ".headers.'x-event' == 'gone'",
            "entity": {"identifier": ".body.id"},
        },
    ],
    "security": {
        "secret": "hunter2",
        "signatureHeaderName": "X-Hub-Signature-256",
        "signatureAlgorithm": "sha256",
        "signaturePrefix": "sha256=",
        "requestIdentifierPath": ".headers.'x-delivery'",
    },
}
TWO = {"services": [{"id": "cart", "name": "Cart", "team": "payments", "source": "pager"}, {"id": "till"}]}


class Sender:
    def __init__(self, webhook, secret="hunter2"):
        self.path = webhook["url"][webhook["url"].index("/v1/") :]
        self.secret = secret

    def send(self, body, event="service", delivery="1", **more):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        proof = "sha256=" + hmac.new(self.secret.encode(), raw, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature-256": proof, "X-Event": event, "X-Delivery": delivery} | more
        client = Client(raise_request_exception=False)
        return client.post(self.path, raw, content_type="application/json", headers=headers)


@pytest.fixture
def pager(shop, terraform):
    answer = terraform.post("webhooks", PAGER)
    assert answer.status == 201, answer.json
    return terraform


@pytest.fixture
def sender(pager):
    return Sender(pager.get("webhooks/pager").json["webhook"])


@pytest.fixture
def there(db, receiver, at_home):
    return receiver()


@pytest.fixture
def vault(shop):
    blueprint_create(VAULT, by=SETUP)
    ours = {"tier": "gold", "keeper": "charlie@example.org", "note": "swordfish"}
    write("vault", "pearl", title="The Pearl", team=("payments",), properties=ours, relations={"guards": ("checkout",)})
    write("vault", "ruby", title="The Ruby", properties={"tier": "iron", "note": "herring"})
    return Blueprint.objects.get(identifier="vault")
