from datetime import timedelta
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from locks.models import Lock
from portal.accounts.models import User
from portal.kit.ids import uuid7


class Member(models.Model):
    """What Slack last said of one of its people. Who he is here is looked up by his address each time."""

    slack_id = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200, blank=True)
    email = models.CharField(max_length=254, blank=True)
    # Why he can be nobody here, whatever his address: a bot, a guest, of another workspace. Empty for a colleague.
    bar = models.CharField(max_length=20, blank=True)
    read_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name or self.slack_id


class Inbound(models.Model):
    """One thing that somebody did in Slack: kept before Slack is told that it came, so that it outlives the process.

    `key` is Slack's own name for it, the same however often Slack sends it. What came is sealed, and forgotten once it
    is over. `answers` are the calls to Slack that it leads to, written in the transaction of the deed itself; `sent`
    how many of them were made.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        DECIDED = "decided"
        DONE = "done"
        LOST = "lost"

    UNFINISHED: ClassVar = [State.WAITING, State.DECIDED]
    LEASE: ClassVar = timedelta(seconds=60)
    # Slack takes answers for half an hour.
    LIFE: ClassVar = timedelta(minutes=29)

    key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=10)
    # All that is done for it carries this one, so that it can be found again.
    trace = models.UUIDField(default=uuid7, editable=False)
    sealed = models.TextField(blank=True)
    answers = models.TextField(blank=True)
    sent = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    fault = models.CharField(max_length=500, blank=True)
    came_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now())
    held_until = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "inbound"
        indexes = [
            models.Index(fields=["due_at"], name="inbound_due", condition=Q(state__in=["waiting", "decided"])),
            models.Index(fields=["came_at"], name="inbound_old"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class Watch(models.Model):
    """Somebody wants to be told when a lock ends, and to be next. `place` keeps his place in the pair's line."""

    lock = models.ForeignKey(Lock, on_delete=models.CASCADE, related_name="watches")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    slack_id = models.CharField(max_length=40)
    asked_at = models.DateTimeField(db_default=Now())
    told_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "watches"
        constraints = [models.UniqueConstraint(fields=["lock", "user"], name="watch_once")]
        indexes = [models.Index(fields=["lock", "id"], name="watch_standing", condition=Q(told_at=None))]

    def __str__(self) -> str:
        return f"{self.user} waits for the {self.lock}"

    def facts(self) -> dict[str, Any]:
        return {"lock": str(self.lock.public_id), "who": str(self.user)}
