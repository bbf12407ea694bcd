from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from portal.audit.nouns import Noun
from portal.kit.ids import random_text, uuid7

Json = dict[str, Any]


class Action(models.Model):
    """Something people may ask for (self-service), or that follows an event (automation).

    `definition` is kept as it was sent; nothing else says what the action is.
    """

    identifier = models.CharField(max_length=200, unique=True)
    definition = models.JSONField(encoder=DjangoJSONEncoder)
    # jsonb forgets the order of keys; a form asks in the order in which the inputs were declared.
    order = ArrayField(models.TextField(), default=list, blank=True)
    permissions = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.CharField(max_length=254, editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_by = models.CharField(max_length=254, editable=False)
    # Of an automation: who said what it does. Its runs may no more than he may, by the token by which he came.
    author_key = models.CharField(max_length=60, blank=True, editable=False, default="", db_default="")
    author_scopes = ArrayField(models.CharField(max_length=20), null=True, editable=False)
    # Why it did not run when its event happened, the last time.
    fault = models.TextField(blank=True, editable=False, default="", db_default="")
    fault_at = models.DateTimeField(null=True, editable=False)
    # Why it runs no more until somebody takes it over, and since when.
    paused = models.TextField(blank=True, editable=False, default="", db_default="")
    paused_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["identifier"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("actions:action_detail", args=[self.identifier])

    def noun(self) -> Noun:
        return Noun("action", self.identifier, self.title, blueprint=self.blueprint)

    def facts(self) -> Json:
        return {**self.definition, "permissions": self.permissions}

    @property
    def title(self) -> str:
        return str(self.definition.get("title") or self.identifier)

    @property
    def trigger(self) -> Json:
        trigger: Json = self.definition["trigger"]
        return trigger

    @property
    def invocation(self) -> Json:
        method: Json = self.definition["invocationMethod"]
        return method

    @property
    def is_automation(self) -> bool:
        return bool(self.trigger["type"] == "automation")

    @property
    def event(self) -> Json:
        """Of an automation: what it follows."""
        event: Json = self.trigger.get("event") or {}
        return event

    @property
    def operation(self) -> str:
        """CREATE, DAY-2 or DELETE; empty for an automation."""
        return str(self.trigger.get("operation") or "")

    @property
    def blueprint(self) -> str:
        about = self.event or self.trigger
        return str(about.get("blueprintIdentifier") or "")

    @property
    def needs_entity(self) -> bool:
        return bool(self.blueprint) and self.operation in {"DAY-2", "DELETE"}

    @property
    def is_published(self) -> bool:
        return self.definition.get("publish") is not False

    @property
    def is_private(self) -> bool:
        """Only its approvers and those who ran it see its runs."""
        return self.definition.get("allowAnyoneToViewRuns") is False

    @property
    def required_approval(self) -> bool | Json:
        """As it was sent: true, false, or `{"type": "ANY" or "ALL"}`."""
        asked: bool | Json = self.definition.get("requiredApproval") or False
        return asked

    @property
    def inputs(self) -> Json:
        """Definitions by name, in the order people gave them."""
        declared: Json = (self.trigger.get("userInputs") or {}).get("properties") or {}
        known = [name for name in self.order if name in declared]
        return {name: declared[name] for name in [*known, *sorted(declared.keys() - set(known))]}

    @property
    def as_sent(self) -> Json:
        """The definition with its inputs in the order in which they were sent."""
        inputs = self.trigger.get("userInputs")
        if not inputs:
            return dict(self.definition)
        trigger = self.trigger | {"userInputs": inputs | {"properties": self.inputs}}
        return {**self.definition, "trigger": trigger}


def run_id() -> str:
    return "r_" + random_text(16)


class Run(models.Model):
    """An action that was asked for, and what came of it.

    `about` keeps action, blueprint and entity as they were, each `{"identifier", "title", "icon"}`;
    `definition` is the action as it was.
    """

    class Status(models.TextChoices):
        WAITING = "WAITING_FOR_APPROVAL", "waiting for approval"
        IN_PROGRESS = "IN_PROGRESS", "in progress"
        SUCCESS = "SUCCESS", "success"
        FAILURE = "FAILURE", "failure"
        DECLINED = "DECLINED", "declined"

    OPEN: ClassVar = [Status.WAITING, Status.IN_PROGRESS]

    public_id = models.CharField(max_length=40, unique=True, default=run_id)
    action = models.ForeignKey(Action, null=True, on_delete=models.SET_NULL, related_name="runs")
    definition = models.JSONField(encoder=DjangoJSONEncoder)
    about = models.JSONField()
    blueprint = models.CharField(max_length=100, blank=True)
    entity = models.CharField(max_length=1000, blank=True)
    # What was sent, and with the defaults of what was not.
    raw_inputs = models.JSONField(default=dict)
    inputs = models.JSONField(default=dict)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.IN_PROGRESS)
    status_label = models.TextField(blank=True)
    link = models.JSONField(null=True)
    summary = models.TextField(blank=True)
    message = models.JSONField(null=True)
    response = models.JSONField(null=True)
    external_id = models.CharField(max_length=500, blank=True)
    source = models.CharField(max_length=12)
    private = models.BooleanField(default=False)
    # A program outside fetches it to do the work: it is offered until somebody has taken it.
    pending = models.BooleanField(default=False)
    claimed_until = models.DateTimeField(null=True)
    # Of a run that a forge does: what it was asked, and which job it is there (commands.jobs).
    job = models.JSONField(default=dict, db_default={}, editable=False)
    creator_key = models.CharField(max_length=60)
    creator_email = models.CharField(max_length=254, blank=True)
    # Of the token by which a person asked: what waits for approval is not done with more. Null: he came himself.
    creator_scopes = ArrayField(models.CharField(max_length=20), null=True)
    created_by = models.CharField(max_length=254)
    impersonated_by = models.CharField(max_length=254, blank=True)
    updated_by = models.CharField(max_length=254)
    # Of an automation's: which event of the audit log began it, and what templates read of that as `.event`.
    cause = models.UUIDField(null=True)
    event = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    # How many automations have begun one another until this one; 0 is a person's, or a program's.
    depth = models.PositiveSmallIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["action", "id"], name="run_of_action"),
            models.Index(fields=["blueprint", "entity", "id"], name="run_of_entity"),
            models.Index(fields=["creator_key", "id"], name="run_of_person"),
            models.Index(fields=["external_id"], name="run_external", condition=~Q(external_id="")),
            models.Index(
                fields=["id"], name="run_open", condition=Q(status__in=["WAITING_FOR_APPROVAL", "IN_PROGRESS"])
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["cause", "action"], name="run_once_for_an_event"),
            models.CheckConstraint(
                name="run_ends_once",
                condition=Q(status__in=["WAITING_FOR_APPROVAL", "IN_PROGRESS"], ended_at=None)
                | Q(status__in=["SUCCESS", "FAILURE", "DECLINED"], ended_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} {self.public_id}"

    def get_absolute_url(self) -> str:
        return reverse("actions:run_detail", args=[self.public_id])

    def noun(self) -> Noun:
        return Noun("run", self.public_id, self.title, blueprint=self.blueprint, entity=self.entity)

    def state(self) -> Json:
        return {
            "action": self.about["action"]["identifier"],
            "blueprint": self.blueprint,
            "entity": self.entity,
            "status": self.status,
            "statusLabel": self.status_label,
            "link": self.link,
            "summary": self.summary,
            "message": self.message,
            "response": self.response,
            "externalRunId": self.external_id,
            "pendingExecution": self.pending,
        }

    def told(self, state: Json) -> Json:
        """What an event keeps of a state, for everybody to read: never inputs, of a private run only how it stands."""
        shown = ("action", "blueprint", "entity", "status") if self.private else tuple(state)
        return {name: state[name] for name in shown}

    def facts(self) -> Json:
        return self.told(self.state())

    @property
    def title(self) -> str:
        named: Json = self.about["action"]
        return str(named.get("title") or named["identifier"])

    @property
    def required_approval(self) -> bool | Json:
        asked: bool | Json = self.definition.get("requiredApproval") or False
        return asked

    @property
    def is_over(self) -> bool:
        return self.status not in self.OPEN

    @property
    def links(self) -> list[str]:
        return [self.link] if isinstance(self.link, str) else list(self.link or [])


class Approval(models.Model):
    """What one of those who may approve said about a run. Everybody says it once."""

    class State(models.TextChoices):
        APPROVED = "APPROVED", "approved"
        DECLINED = "DECLINED", "declined"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="approvals")
    actor_key = models.CharField(max_length=60)
    actor_name = models.CharField(max_length=254)
    state = models.CharField(max_length=10, choices=State.choices)
    description = models.TextField(blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["run", "actor_key"], name="approval_once")]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.state}"


class RunLog(models.Model):
    """A line that whoever does the work wrote. It is a record itself: no event repeats it."""

    public_id = models.UUIDField(default=uuid7, unique=True)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="logs")
    message = models.TextField()
    created_by = models.CharField(max_length=254)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["run", "id"], name="run_log_of_run")]

    def __str__(self) -> str:
        return self.message[:80]
