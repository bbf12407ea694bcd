from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Now
from django.urls import reverse

from locks.models.scoped import Effect, Scoped, scope_whole
from portal.audit.nouns import Noun
from portal.kit.clock import iso
from portal.kit.ids import uuid7

# An open-ended lock ends never.
ENDS = Coalesce(F("expires_at"), Value("infinity"), output_field=models.DateTimeField())


class LockQuerySet(models.QuerySet["Lock"]):
    def active(self, at: "datetime | Now") -> "LockQuerySet":
        """Active is a predicate of the instant, half-open; no worker has to end a lock.

        A lock taken for now starts when it was made, even if the server's clock has since jumped back.
        """
        started = Q(starts_at__lte=at) | Q(starts_at__lte=F("created_at"))
        return self.filter(started, Q(expires_at=None) | Q(expires_at__gt=at), released_at=None)

    def held(self, at: datetime) -> "LockQuerySet":
        """Those that were on at an instant of the past, with their ends as they are known now."""
        lasted = Q(expires_at=None) | Q(expires_at__gt=at)
        return self.filter(lasted, Q(released_at=None) | Q(released_at__gt=at), starts_at__lte=at)

    def ended(self, at: datetime) -> "LockQuerySet":
        return self.filter(Q(released_at__isnull=False) | Q(expires_at__lte=at))


class Lock(Scoped):
    """Keeps a scope from being deployed to. Never deleted, never overwritten: released, extended, or left to expire."""

    Effect = Effect

    class Kind(models.TextChoices):
        MANUAL = "manual"
        INCIDENT = "incident"
        CANARY = "canary"
        ROLLBACK = "rollback"

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.MANUAL)
    reason = models.TextField()
    link = models.URLField(max_length=2000, blank=True)
    automatic_by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    starts_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)
    expiry_told_at = models.DateTimeField(null=True, editable=False)
    # When its holder is to be told next: that its end comes near, or that it has been held for long.
    remind_at = models.DateTimeField(null=True, editable=False)
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.CharField(max_length=254, blank=True)
    release_reason = models.TextField(blank=True)

    objects: ClassVar[Any] = LockQuerySet.as_manager()

    class Meta:
        constraints = [
            scope_whole("lock_scope_whole"),
            models.CheckConstraint(name="lock_has_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="lock_ends_after_start", condition=Q(expires_at=None) | Q(expires_at__gt=F("starts_at"))
            ),
        ]
        indexes = [
            models.Index(F("cover"), ENDS, name="lock_live_cover", condition=Q(released_at=None)),
            models.Index(fields=["expires_at"], name="lock_live_end", condition=Q(released_at=None)),
            models.Index(fields=["starts_at"], name="lock_live_start", condition=Q(released_at=None)),
            models.Index(
                fields=["expires_at"], name="lock_to_tell", condition=Q(released_at=None, expiry_told_at=None)
            ),
            models.Index(fields=["remind_at"], name="lock_to_remind", condition=Q(released_at=None)),
            models.Index(fields=["-id"], name="lock_newest"),
        ]

    def __str__(self) -> str:
        return f"lock of {self.covers}"

    def is_active(self, at: datetime) -> bool:
        """The same predicate as `LockQuerySet.active`."""
        started = self.starts_at <= max(at, self.created_at)
        return started and self.released_at is None and (self.expires_at is None or at < self.expires_at)

    def get_absolute_url(self) -> str:
        return reverse("locks:lock_detail", args=[self.public_id])

    def noun(self) -> Noun:
        return Noun(
            "lock",
            str(self.public_id),
            self.covers,
            service=self.service_identifier,
            environment=self.environment_identifier,
        )

    def facts(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "effect": self.effect,
            **self.scope_facts(),
            "allows": sorted(self.allows),
            "reason": self.reason,
            "link": self.link or None,
            "holder": self.holder_name,
            "automatic_by": self.automatic_by or None,
            "starts_at": iso(self.starts_at),
            "expires_at": iso(self.expires_at),
            "released_at": iso(self.released_at),
            "released_by": self.released_by or None,
            "release_reason": self.release_reason or None,
        }
