from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Value
from django.db.models.functions import Now
from django.urls import reverse

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

    def get_absolute_url(self) -> str:
        return reverse("webhooks:detail", args=[self.identifier])

    def noun(self, blueprint: str = "", entity: str = "") -> Noun:
        """With a blueprint and an entity: what it tells of that one, for those who may see it."""
        return Noun("webhook", self.identifier, self.title, blueprint=blueprint, entity=entity)

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

    def by(self, delivery: UUID | None = None) -> By:
        """Who writes what it maps: the webhook, in its own name. It may write the catalog, and touch no lock.

        All that comes of one `delivery` has that as its trace.
        """
        scopes = frozenset({"catalog:read", "catalog:write", "report"})
        actor = Actor("credential", f"webhook:{self.identifier}", f"Webhook {self.title}", scopes=scopes)
        return By(actor, "api", trace=delivery or uuid7(), agent=f"webhook/{self.identifier}")


class Received(models.Model):
    """A payload that came, and what became of it."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        IGNORED = "ignored"  # no mapping wanted it
        FAILED = "failed"  # some of it could not be mapped or written
        REFUSED = "refused"  # at the door: its sender did not prove who he is, or it could not be read

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="received")
    at = models.DateTimeField(db_default=Now())
    # The name that the sender gives to this delivery: the same again is not taken twice.
    request_id = models.CharField(max_length=250, blank=True)
    headers = models.JSONField(default=dict)
    query = models.JSONField(default=dict)
    body = models.JSONField(null=True)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    # What became of each item, those that failed first to be kept; and how many items came to what.
    outcomes = models.JSONField(default=list)
    counts = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    reason = models.TextField(blank=True, default="", db_default="")  # why it was refused
    settled_at = models.DateTimeField(null=True)
    # How often the same delivery came again.
    repeats = models.PositiveIntegerField(default=0, db_default=0)
    repeated_at = models.DateTimeField(null=True)
    replays = models.PositiveIntegerField(default=0, db_default=0)
    replayed_at = models.DateTimeField(null=True)
    replayed_by = models.CharField(max_length=254, blank=True, default="", db_default="")

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "received"
        constraints = [
            models.UniqueConstraint(
                fields=["webhook", "request_id"], condition=~models.Q(request_id=""), name="received_once"
            )
        ]
        indexes = [
            models.Index(fields=["webhook", "id"], name="received_by_id"),
            models.Index(fields=["at"], name="received_by_time"),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

    def get_absolute_url(self) -> str:
        return reverse("webhooks:received", args=[self.webhook.identifier, self.public_id])

    @property
    def context(self) -> Json:
        """What the programs of a mapping read."""
        return {"body": self.body, "headers": self.headers, "queryParams": self.query}
