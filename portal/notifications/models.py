import re
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from portal.audit.nouns import Noun
from portal.kit.ids import uuid7
from portal.kit.masks import HIDDEN, host_only

Json = dict[str, Any]


class Route(models.Model):
    """Who is told of which events. What is left empty keeps nothing out.

    `events` are names or patterns of names ("lock.*"). `dry`: what it would tell stands in the log, and nobody is told.
    """

    class To(models.TextChoices):
        PLACE = "place", "the Slack channel of the service, else of the environment, else the portal's"
        SERVICE = "service", "the Slack channel of the service"
        ENVIRONMENT = "environment", "the Slack channel of the environment"
        CHANNEL = "channel", "a Slack channel"
        PERSON = "person", "the person it concerns: who holds, owns or asked"
        EMAIL = "email", "e-mail addresses"
        WEBHOOK = "webhook", "a signed webhook"

    ADDRESSED: ClassVar = (To.CHANNEL, To.EMAIL, To.WEBHOOK)

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    name = models.CharField(max_length=100, unique=True)
    events = ArrayField(models.CharField(max_length=60))
    teams = ArrayField(models.CharField(max_length=1000), default=list, blank=True)
    tiers = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    services = ArrayField(models.CharField(max_length=1000), default=list, blank=True)
    only_bad = models.BooleanField("only what went wrong", default=False)
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    quiet_zone = models.CharField(max_length=60, default="UTC")
    to = models.CharField(max_length=12, choices=To.choices)
    # A channel's name or id, addresses with commas between, or a URL.
    address = models.CharField(max_length=2000, blank=True)
    sealed_secret = models.TextField(blank=True, editable=False)
    enabled = models.BooleanField(default=True)
    dry = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.CharField(max_length=254, editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_by = models.CharField(max_length=254, editable=False)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                name="route_has_its_address",
                condition=Q(to__in=["channel", "email", "webhook"]) & ~Q(address="")
                | ~Q(to__in=["channel", "email", "webhook"]) & Q(address="", sealed_secret=""),
            ),
            models.CheckConstraint(
                name="route_quiet_hours_whole",
                condition=Q(quiet_from=None, quiet_until=None) | Q(quiet_from__isnull=False, quiet_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("notifications:edit", args=[self.public_id])

    @property
    def shown_address(self) -> str:
        return host_only(self.address) if self.to == self.To.WEBHOOK else self.address

    @property
    def told_address(self) -> str:
        """As everybody may read it."""
        return re.sub(r"[^,\s]+@", f"{HIDDEN}@", self.address) if self.to == self.To.EMAIL else self.shown_address

    def noun(self) -> Noun:
        return Noun("route", str(self.public_id), self.name)

    def facts(self) -> Json:
        """Without the secret, and without the path of a webhook and the names of who gets mail: events keep this for ever, for everybody."""
        return {
            "name": self.name,
            "events": list(self.events),
            "teams": list(self.teams),
            "tiers": list(self.tiers),
            "services": list(self.services),
            "only_bad": self.only_bad,
            "quiet": f"{self.quiet_from:%H:%M}-{self.quiet_until:%H:%M} {self.quiet_zone}"
            if self.quiet_from and self.quiet_until
            else None,
            "to": self.to,
            "address": self.told_address or None,
            "secret": "kept" if self.sealed_secret else None,
            "enabled": self.enabled,
            "dry": self.dry,
        }


class Installed(models.Model):
    """A route that came with the portal: one that somebody deleted does not come back."""

    key = models.CharField(max_length=60, unique=True)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.key


class SlackThread(models.Model):
    """The first message about one thing in one channel, which is edited, and below which the rest is said.

    `key` is the notice's thread, `delivery` the one that made the message: by it the message is known in Slack.
    """

    key = models.TextField()
    target = models.CharField(max_length=100)
    channel = models.CharField(max_length=40)
    ts = models.CharField(max_length=40)
    delivery = models.UUIDField(unique=True)
    at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True)
    # Changes that were not told below it, because there were too many.
    folded = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["key", "target", "-id"], name="slack_thread_key"),
            models.Index(fields=["target", "-id"], name="slack_thread_target"),
        ]

    def __str__(self) -> str:
        return f"{self.key} in #{self.target}"
