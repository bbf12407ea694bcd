import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse

from locks import schedules
from locks.models.scoped import Scoped, scope_whole
from locks.schedules import Holiday, Schedule
from portal.audit.nouns import Noun
from portal.kit.clock import in_words, iso
from portal.kit.ids import uuid7


class Freeze(Scoped):
    """A rule of the calendar that closes a scope while it is on. Kept when it is withdrawn.

    Its windows up to `known_until` stand as rows of Window; whoever asks about a later instant reckons them.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    title = models.CharField(max_length=200)
    reason = models.TextField()
    link = models.URLField(max_length=2000, blank=True)
    timezone = models.CharField(max_length=60)
    # Wall time, which no column of PostgreSQL's with a zone can hold.
    starts = models.CharField(max_length=16, blank=True)
    duration = models.DurationField(null=True, blank=True)
    rrule = models.CharField(max_length=500, blank=True)
    exceptions = ArrayField(models.CharField(max_length=16), default=list, blank=True)
    holidays = models.JSONField(default=list, blank=True)
    known_until = models.DateTimeField()
    told_until = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.CharField(max_length=254, blank=True)

    class Meta:
        constraints = [
            scope_whole("freeze_scope_whole"),
            models.CheckConstraint(name="freeze_has_reason", condition=~Q(reason="")),
        ]
        indexes = [models.Index(F("cover"), name="freeze_live_cover", condition=Q(withdrawn_at=None))]

    def __str__(self) -> str:
        return self.title

    @property
    def schedule(self) -> Schedule:
        return Schedule(
            self.timezone,
            datetime.fromisoformat(self.starts) if self.starts else None,
            self.duration,
            self.rrule,
            tuple(self.exceptions),
            tuple(
                Holiday(
                    each["name"],
                    datetime.fromisoformat(each["starts"]),
                    timedelta(minutes=each["minutes"]),
                    each.get("rrule", ""),
                )
                for each in self.holidays
            ),
        )

    def windows(self, since: datetime, until: datetime) -> "list[Window]":
        """Reckoned, not saved: those that touch the time between, in order."""
        spans = schedules.spans(self.schedule, since, until)
        return [Window(freeze=self, starts_at=starts, ends_at=ends) for starts, ends in spans]

    def get_absolute_url(self) -> str:
        return reverse("locks:freeze_detail", args=[self.public_id])

    def noun(self) -> Noun:
        return Noun(
            "freeze",
            str(self.public_id),
            self.title,
            service=self.service_identifier,
            environment=self.environment_identifier,
        )

    def facts(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "effect": self.effect,
            **self.scope_facts(),
            "allows": sorted(self.allows),
            "reason": self.reason,
            "link": self.link or None,
            "holder": self.holder_name,
            "timezone": self.timezone,
            "starts": self.starts or None,
            "duration": compact(self.duration) if self.duration else None,
            "rrule": self.rrule or None,
            "exceptions": list(self.exceptions),
            "holidays": list(self.holidays),
            "withdrawn_at": iso(self.withdrawn_at),
            "withdrawn_by": self.withdrawn_by or None,
        }

    @property
    def edition(self) -> str:
        """Another with every change of it."""
        return hashlib.blake2b(json.dumps(self.facts(), sort_keys=True).encode(), digest_size=12).hexdigest()


def compact(length: timedelta) -> str:
    """`2d15h`, as durations are written in requests."""
    minutes = int(length.total_seconds() // 60)
    parts = (("d", minutes // 1440), ("h", minutes // 60 % 24), ("m", minutes % 60))
    return "".join(f"{number}{unit}" for unit, number in parts if number)


class Window(models.Model):
    """One time that a freeze is on, half-open. A freeze's windows never touch.

    In a decision it stands beside locks: what the two are asked has the same name.
    """

    freeze = models.ForeignKey(Freeze, on_delete=models.CASCADE, related_name="laid")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="window_ends_after_start", condition=Q(ends_at__gt=F("starts_at"))),
            models.UniqueConstraint(fields=["freeze", "ends_at"], name="window_once"),
        ]
        indexes = [
            models.Index(fields=["starts_at"], name="window_start"),
            models.Index(fields=["ends_at"], name="window_end"),
        ]

    kind = "freeze"

    def __str__(self) -> str:
        return f"{self.freeze} for {in_words(self.ends_at - self.starts_at)}"

    @property
    def expires_at(self) -> datetime:
        return self.ends_at

    @property
    def reason(self) -> str:
        return self.freeze.reason

    @property
    def covers(self) -> str:
        return self.freeze.covers

    @property
    def effect(self) -> str:
        return self.freeze.effect

    @property
    def allows(self) -> list[str]:
        return self.freeze.allows

    @property
    def scope_kind(self) -> str:
        return self.freeze.scope_kind

    @property
    def public_id(self) -> Any:
        return self.freeze.public_id

    @property
    def holder_key(self) -> str:
        return self.freeze.holder_key

    @property
    def holder_name(self) -> str:
        """Who made the freeze, and that it is one."""
        return f"{self.freeze.holder_name} (freeze “{self.freeze.title}”)"

    def owner_teams(self) -> list[str]:
        return self.freeze.owner_teams()

    def get_absolute_url(self) -> str:
        return self.freeze.get_absolute_url()
