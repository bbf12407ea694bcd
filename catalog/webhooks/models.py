from typing import Any

from django.db import models
from django.db.models.functions import Now

from portal.audit.nouns import Noun
from portal.kit.by import Actor, By
from portal.kit.ids import random_text, uuid7

Json = dict[str, Any]


def new_key() -> str:
    return random_text(32)


class Webhook(models.Model):
    """An address that others send payloads to, and how each becomes entities."""

    identifier = models.CharField(max_length=100, unique=True)
    title = models.CharField(max_length=100)
    description = models.CharField(max_length=200, blank=True)
    icon = models.CharField(max_length=100, blank=True)
    enabled = models.BooleanField(default=True)
    mappings = models.JSONField(default=list, blank=True)
    # How senders prove themselves; the secret stands apart, sealed.
    security = models.JSONField(default=dict, blank=True)
    secret = models.TextField(blank=True, editable=False)
    extra = models.JSONField(default=dict, blank=True)
    # The address is unguessable, like a password that the sender has.
    key = models.CharField(max_length=64, unique=True, default=new_key, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.CharField(max_length=254, editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_by = models.CharField(max_length=254, editable=False)

    class Meta:
        ordering = ["title", "id"]

    def __str__(self) -> str:
        return self.title

    def noun(self) -> Noun:
        return Noun("webhook", self.identifier, self.title)

    def facts(self) -> Json:
        """Without the secret: events keep this for ever."""
        return {
            **self.extra,
            "identifier": self.identifier,
            "title": self.title,
            "description": self.description or None,
            "icon": self.icon or None,
            "enabled": self.enabled,
            "mappings": self.mappings,
            "security": self.security | ({"secret": "kept"} if self.secret else {}),
        }

    def by(self) -> By:
        """Who writes what it maps: the webhook, in its own name. It may write the catalog, and touch no lock."""
        scopes = frozenset({"catalog:read", "catalog:write", "report"})
        actor = Actor("credential", f"webhook:{self.identifier}", f"Webhook {self.title}", scopes=scopes)
        return By(actor, "api", agent=f"webhook/{self.identifier}")


class Received(models.Model):
    """A payload that came, and what became of it."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        IGNORED = "ignored"  # no mapping wanted it
        FAILED = "failed"  # some of it could not be mapped or written

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="received")
    at = models.DateTimeField(db_default=Now())
    # The name that the sender gives to this delivery: the same again is not taken twice.
    request_id = models.CharField(max_length=250, blank=True)
    headers = models.JSONField(default=dict)
    query = models.JSONField(default=dict)
    body = models.JSONField(null=True)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    outcomes = models.JSONField(default=list)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "received"
        constraints = [
            models.UniqueConstraint(
                fields=["webhook", "request_id"], condition=~models.Q(request_id=""), name="received_once"
            )
        ]
        indexes = [models.Index(fields=["webhook", "id"], name="received_by_id")]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def context(self) -> Json:
        """What the programs of a mapping read."""
        return {"body": self.body, "headers": self.headers, "queryParams": self.query}
