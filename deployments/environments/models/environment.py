from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from catalog.models import Entity
from deployments.environments.models.template import Template
from portal.accounts.models import User
from portal.audit.nouns import Noun
from portal.kit.clock import iso
from portal.kit.ids import uuid7

Json = dict[str, Any]


class State(models.TextChoices):
    REQUESTED = "requested"
    PROVISIONING = "provisioning"
    READY = "ready"
    ASLEEP = "asleep"
    EXPIRING = "expiring"  # its time is over; the last moment in which an extension saves it
    TEARING_DOWN = "tearing_down"
    TORN_DOWN = "torn_down"
    PROVISION_FAILED = "provision_failed"
    TEARDOWN_FAILED = "teardown_failed"  # tried again and again
    ORPHAN_SUSPECTED = "orphan_suspected"


# Those that have a time to live, which an extension moves.
TIMED = [State.REQUESTED, State.PROVISIONING, State.READY, State.ASLEEP, State.EXPIRING, State.PROVISION_FAILED]
GOING = [State.TEARING_DOWN, State.TEARDOWN_FAILED]


class EnvironmentQuerySet(models.QuerySet["Environment"]):
    def living(self) -> "EnvironmentQuerySet":
        return self.exclude(state=State.TORN_DOWN)

    def timed(self) -> "EnvironmentQuerySet":
        return self.filter(state__in=TIMED)


class Environment(models.Model):
    """One environment that somebody asked for, until it is proven to be gone, and its tombstone afterwards.

    What it waits for stands in two columns: `next_at`, when the clock has something to do with it (a warning, its
    end), and `work_at`, when a worker has (a step of its `phase`).
    """

    State = State

    class Phase(models.TextChoices):
        PROVISION = "provision"
        SLEEP = "sleep"
        WAKE = "wake"
        TEARDOWN = "teardown"  # ends with the verification that it is gone

    class Cause(models.TextChoices):
        """Of a teardown."""

        EXPIRED = "expired", "its time was over"
        ASKED = "asked", "somebody asked for it"
        PR_CLOSED = "pr_closed", "its pull request was closed"
        ORPHAN = "orphan", "it was an orphan"

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    # The catalog's entity, and its identifier, which stays.
    entity = models.ForeignKey(Entity, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=200)
    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="environments")
    # Who answers for it, and who does when that person leaves.
    owner = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    owner_name = models.CharField(max_length=254, blank=True)
    fallback_owner = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    team = models.CharField(max_length=100, blank=True)
    requested_key = models.CharField(max_length=60)
    requested_by = models.CharField(max_length=254)
    reason = models.TextField(blank=True)
    inputs = models.JSONField(default=dict)
    pr_url = models.CharField(max_length=1000, blank=True)

    state = models.CharField(max_length=20, choices=State.choices, default=State.REQUESTED)
    # Where an extension leads back to, while it is expiring or suspected.
    resting = models.CharField(max_length=20, blank=True)
    requested_at = models.DateTimeField(db_default=Now())
    state_at = models.DateTimeField(db_default=Now())
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    pinned_until = models.DateTimeField(null=True)
    pin_reason = models.TextField(blank=True)
    hard_until = models.DateTimeField()
    # When its deadline was set: nobody is warned of what was past then.
    armed_at = models.DateTimeField(db_default=Now())
    # Why its end has passed and it is still there, for people; and until when, as far as that is known.
    held_by = models.TextField(blank=True)
    held_until = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True)

    phase = models.CharField(max_length=10, choices=Phase.choices, blank=True)
    round = models.PositiveIntegerField(default=0)
    work_at = models.DateTimeField(null=True)
    # Who works on it now; goes up each time somebody is let in, so that who comes late is known.
    fence = models.BigIntegerField(default=0)
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    attempt = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True)

    # What there is, as its provider tells: its address for people, and [{"kind", "id", ...}].
    address = models.CharField(max_length=2000, blank=True)
    resources = models.JSONField(default=list)
    awake_since = models.DateTimeField(null=True)
    awake_seconds = models.FloatField(default=0)

    cause = models.CharField(max_length=10, choices=Cause.choices, blank=True)
    teardown_by = models.CharField(max_length=254, blank=True)
    teardown_reason = models.TextField(blank=True)
    teardown_at = models.DateTimeField(null=True)
    torn_down_at = models.DateTimeField(null=True)
    suspicion = models.TextField(blank=True)
    recreated_from = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="recreations")

    objects: ClassVar[Any] = EnvironmentQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"], name="environment_name_once", condition=~Q(state="torn_down") & Q(entity__isnull=False)
            ),
            models.CheckConstraint(
                name="environment_gone_is_dated",
                condition=Q(state="torn_down", torn_down_at__isnull=False) | ~Q(state="torn_down"),
            ),
        ]
        indexes = [
            models.Index(fields=["next_at"], name="environment_clock", condition=Q(next_at__isnull=False)),
            models.Index(fields=["work_at"], name="environment_work", condition=Q(work_at__isnull=False)),
            models.Index(fields=["state"], name="environment_living", condition=~Q(state="torn_down")),
            models.Index(fields=["pr_url"], name="environment_pr", condition=~Q(pr_url="")),
            models.Index(fields=["name", "-id"], name="environment_named"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """What its resources carry: portal-env=<label>."""
        return str(self.public_id)

    @property
    def owner_key(self) -> str:
        """The actor who holds it: its owner in person, or the program that asked for it."""
        if self.owner_id:
            return f"user:{self.owner_id}"
        return self.requested_key if self.requested_key.startswith("credential:") else ""

    @property
    def deadline(self) -> datetime:
        """When it ends: a pin puts that off, and the hard cap ends it all the same."""
        return min(max(self.expires_at, self.pinned_until or self.expires_at), self.hard_until)

    @property
    def is_living(self) -> bool:
        return self.state != State.TORN_DOWN

    @property
    def is_timed(self) -> bool:
        return self.state in TIMED

    def cost(self, now: datetime) -> Decimal | None:
        """So far; None where its template names no price. What sleeps costs nothing."""
        if self.template.cost_per_hour is None:
            return None
        awake = self.awake_seconds + ((now - self.awake_since).total_seconds() if self.awake_since else 0)
        return round(self.template.cost_per_hour * Decimal(max(awake, 0) / 3600), 2)

    def get_absolute_url(self) -> str:
        return f"/environments/{self.public_id}"

    def noun(self) -> Noun:
        return Noun(
            "environment",
            str(self.public_id),
            self.name,
            blueprint="environment",
            entity=self.name,
            environment=self.name,
        )

    def facts(self) -> Json:
        return {
            "name": self.name,
            "template": self.template.identifier,
            "state": self.state,
            "phase": self.phase or None,
            "owner": self.owner_name or None,
            "team": self.team or None,
            "requested_by": self.requested_by,
            "requested_at": iso(self.requested_at),
            "expires_at": iso(self.expires_at),
            "pinned_until": iso(self.pinned_until),
            "hard_until": iso(self.hard_until),
            "deadline": iso(self.deadline),
            "address": self.address or None,
            "pr_url": self.pr_url or None,
            "cause": self.cause or None,
            "attempt": self.attempt,
            "last_error": self.last_error or None,
            "torn_down_at": iso(self.torn_down_at),
        }

    def told(self) -> Json:
        """What subscribers of its events need beside its facts."""
        return {
            "environment": str(self.public_id),
            "owner_key": self.owner_key,
            "owner": self.owner_name,
            "team": self.team,
            "template": self.template.identifier,
            "expires_at": iso(self.deadline),
            "url": f"{settings.BASE_URL}{self.get_absolute_url()}",
        }


class Step(models.Model):
    """One thing that a provider is to do, written down before it is asked and when it has answered.

    `key` is the same however often it is asked: a provider that has done it already says so.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"  # asked, and no answer yet
        WAITING = "waiting"  # it said that it is at it; asked again, or it calls
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"  # something else came first

    OPEN: ClassVar = [State.PENDING, State.RUNNING, State.WAITING]

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="steps")
    phase = models.CharField(max_length=10)
    round = models.PositiveIntegerField()
    order = models.PositiveIntegerField()
    name = models.CharField(max_length=100)
    key = models.CharField(max_length=120, unique=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    attempt = models.PositiveIntegerField(default=0)
    fence = models.BigIntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # When one that its provider is at has taken too long.
    give_up_at = models.DateTimeField(null=True)
    # What the provider gave to ask about it again.
    ticket = models.JSONField(default=dict)
    output = models.TextField(blank=True)  # its last 16 KiB
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["environment", "phase", "round", "order"], name="environment_step_once")
        ]

    def __str__(self) -> str:
        return f"{self.phase} {self.order}: {self.name}"


class Warning(models.Model):
    """That its owner was told so many minutes before a deadline. An extension makes another deadline."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="warnings")
    deadline = models.DateTimeField()
    minutes = models.PositiveIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["environment", "deadline", "minutes"], name="environment_warned_once")
        ]

    def __str__(self) -> str:
        return f"{self.minutes} minutes before {self.deadline}"
