from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from catalog.models import Entity
from catalog.queries import Place
from locks.models.decision import KeptDecision
from locks.models.override import Override
from portal.audit.nouns import Noun
from portal.kit.clock import iso
from portal.kit.ids import uuid7


class OfPair(models.Model):
    """Belongs to one service in one environment. The keys decide, the texts remember."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    service = models.ForeignKey(Entity, null=True, on_delete=models.SET_NULL, related_name="+")
    service_identifier = models.CharField(max_length=1000)
    environment = models.ForeignKey(Entity, null=True, on_delete=models.SET_NULL, related_name="+")
    environment_identifier = models.CharField(max_length=1000)
    run = models.CharField(max_length=600)
    run_url = models.CharField(max_length=2000, blank=True)
    holder_kind = models.CharField(max_length=12)
    holder_key = models.CharField(max_length=60)
    holder_name = models.CharField(max_length=254)
    intent = models.CharField(max_length=10)
    commit = models.CharField(max_length=100, blank=True)
    version = models.CharField(max_length=300, blank=True)
    # So long a silence means that its holder is dead.
    lease = models.DurationField()
    lease_until = models.DateTimeField()

    class Meta:
        abstract = True

    @property
    def where(self) -> str:
        return f"{self.service_identifier} in {self.environment_identifier}"

    def pair_facts(self) -> dict[str, Any]:
        return {
            "service": self.service_identifier,
            "environment": self.environment_identifier,
            "run": self.run,
            "run_url": self.run_url or None,
            "holder": self.holder_name,
            "intent": self.intent,
            "commit": self.commit or None,
            "version": self.version or None,
        }


def of_pair(place: Place) -> Q:
    return Q(service=place.service_id, environment=place.environment_id)


class ClaimQuerySet(models.QuerySet["Claim"]):
    def running(self, at: datetime) -> "ClaimQuerySet":
        """A claim whose lease has run out runs no more, whether or not anybody has closed it."""
        return self.filter(finished_at=None, lease_until__gt=at)

    def lapsed(self, at: datetime) -> "ClaimQuerySet":
        return self.filter(finished_at=None, lease_until__lte=at)


class Claim(OfPair):
    """The exclusive right to deploy one service to one environment, as long as its holder gives signs of life.

    `fence` goes up with every claim of the pair: a target that remembers the highest can refuse who comes late.
    """

    class Outcome(models.TextChoices):
        SUCCESS = "success"
        FAILURE = "failure"
        CANCELLED = "cancelled"
        LAPSED = "lapsed"

    REPORTED: ClassVar = [Outcome.SUCCESS, Outcome.FAILURE, Outcome.CANCELLED]

    fence = models.BigIntegerField(unique=True)
    begun_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()
    # Somebody wants it stopped: it gets no more signs of life accepted, and keeps the pair until its lease ends.
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.CharField(max_length=254, blank=True)
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)
    # When its holder came to finish it after the lease was gone: two may have been deploying at once.
    late_at = models.DateTimeField(null=True)
    decision = models.ForeignKey(KeptDecision, null=True, on_delete=models.SET_NULL, related_name="claims")
    override = models.ForeignKey(Override, null=True, on_delete=models.SET_NULL, related_name="claims")

    objects: ClassVar[Any] = ClaimQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["service", "environment"], name="claim_one_live", condition=Q(finished_at=None)
            ),
            models.CheckConstraint(
                name="claim_ends_with_outcome",
                condition=Q(finished_at=None, outcome="") | (Q(finished_at__isnull=False) & ~Q(outcome="")),
            ),
        ]
        indexes = [
            models.Index(fields=["service", "environment", "-id"], name="claim_place"),
            models.Index(fields=["run"], name="claim_run"),
            models.Index(fields=["lease_until"], name="claim_lapsing", condition=Q(finished_at=None)),
        ]

    def __str__(self) -> str:
        return f"claim of {self.where}"

    def noun(self) -> Noun:
        return Noun(
            "claim",
            str(self.public_id),
            self.where,
            service=self.service_identifier,
            environment=self.environment_identifier,
        )

    def facts(self) -> dict[str, Any]:
        return {
            **self.pair_facts(),
            "fence": self.fence,
            "begun_at": iso(self.begun_at),
            "revoked_at": iso(self.revoked_at),
            "revoked_by": self.revoked_by or None,
            "finished_at": iso(self.finished_at),
            "outcome": self.outcome or None,
            "late_at": iso(self.late_at),
        }


class TicketQuerySet(models.QuerySet["Ticket"]):
    def waiting(self, at: datetime) -> "TicketQuerySet":
        """In the order in which they came."""
        return self.filter(ended_at=None, lease_until__gt=at).order_by("id")

    def lapsed(self, at: datetime) -> "TicketQuerySet":
        return self.filter(ended_at=None, lease_until__lte=at).order_by("id")


class Ticket(OfPair):
    """A place in the waiting line of one pair. Its keys are drawn with the pair held, so their order is that of arrival."""

    class Ending(models.TextChoices):
        BEGUN = "begun"
        WITHDRAWN = "withdrawn"
        LAPSED = "lapsed"

    # So long its turn is kept for it, however often it asks.
    TURN: ClassVar = timedelta(seconds=120)

    arrived_at = models.DateTimeField()
    ready_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ending = models.CharField(max_length=10, choices=Ending.choices, blank=True)
    claim = models.ForeignKey(Claim, null=True, on_delete=models.SET_NULL, related_name="tickets")

    objects: ClassVar[Any] = TicketQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["service", "environment", "run"], name="ticket_once_a_run", condition=Q(ended_at=None)
            ),
            models.CheckConstraint(
                name="ticket_ends_somehow",
                condition=Q(ended_at=None, ending="") | (Q(ended_at__isnull=False) & ~Q(ending="")),
            ),
        ]
        indexes = [
            models.Index(fields=["service", "environment", "id"], name="ticket_line", condition=Q(ended_at=None)),
            models.Index(F("lease_until"), name="ticket_lapsing", condition=Q(ended_at=None)),
        ]

    def __str__(self) -> str:
        return f"ticket for {self.where}"

    def noun(self) -> Noun:
        return Noun(
            "ticket",
            str(self.public_id),
            self.where,
            service=self.service_identifier,
            environment=self.environment_identifier,
        )

    def facts(self) -> dict[str, Any]:
        return {
            **self.pair_facts(),
            "arrived_at": iso(self.arrived_at),
            "ready_at": iso(self.ready_at),
            "ended_at": iso(self.ended_at),
            "ending": self.ending or None,
        }
