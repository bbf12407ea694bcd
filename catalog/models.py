from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Left, Lower, Now, NullIf

from portal.audit.nouns import Noun
from portal.kit.ids import uuid7

Json = dict[str, Any]


def empty_schema() -> Json:
    return {"properties": {}, "required": []}


class Blueprint(models.Model):
    """A kind of thing: typed properties and relations. Definitions are kept as clients send them."""

    identifier = models.CharField(max_length=100, unique=True)
    title = models.CharField(max_length=100)
    description = models.CharField(max_length=200, blank=True)
    icon = models.CharField(max_length=100, blank=True)
    schema = models.JSONField(default=empty_schema, encoder=DjangoJSONEncoder)
    calculation_properties = models.JSONField(default=dict)
    mirror_properties = models.JSONField(default=dict)
    aggregation_properties = models.JSONField(default=dict)
    relations = models.JSONField(default=dict)
    ownership = models.JSONField(null=True, blank=True)
    team_inheritance = models.JSONField(null=True, blank=True)
    changelog_destination = models.JSONField(null=True, blank=True)
    # Top-level keys that clients send and the portal does not know; they read back as they were sent.
    extra = models.JSONField(default=dict, blank=True, editable=False)
    # Who may do what with its entities, as far as somebody set it: blocks as /v1 takes them, by deed.
    permissions = models.JSONField(null=True, editable=False)
    # Names of values and arrows that are on their way to another, or to nothing (null), while a worker moves them:
    # {"properties": {old: new}, "computed": {...}, "relations": {...}}. Reading and writing go by it meanwhile.
    moving = models.JSONField(default=dict, blank=True, editable=False)
    # What follows from its computed properties, its own and others'. See catalog/compute/graph.py.
    derived = models.JSONField(default=dict, blank=True, editable=False)
    # jsonb forgets the order of keys; people see properties in the order they were declared.
    order = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.CharField(max_length=254, editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_by = models.CharField(max_length=254, editable=False)

    class Meta:
        ordering = ["title", "id"]

    def __str__(self) -> str:
        return self.title

    def noun(self) -> Noun:
        watched = self.is_watched
        return Noun("blueprint", self.identifier, self.title, blueprint=self.identifier, is_watched=watched)

    @property
    def is_watched(self) -> bool:
        """Whether changes of it and of its entities are sent to an address."""
        return (self.changelog_destination or {}).get("type") == "WEBHOOK"

    def facts(self) -> Json:
        known = {
            "identifier": self.identifier,
            "title": self.title,
            "description": self.description,
            "icon": self.icon,
            "schema": self.schema,
            "calculationProperties": self.calculation_properties,
            "mirrorProperties": self.mirror_properties,
            "aggregationProperties": self.aggregation_properties,
            "relations": self.relations,
            "ownership": self.ownership,
            "teamInheritance": self.team_inheritance,
            "changelogDestination": self.changelog_destination,
        }
        everything: Json = self.extra | known
        return everything

    @property
    def properties(self) -> Json:
        """Property definitions by id, in the order people gave them."""
        declared: Json = self.schema.get("properties", {})
        known = [name for name in self.order if name in declared]
        return {name: declared[name] for name in [*known, *sorted(declared.keys() - set(known))]}

    @property
    def computed_properties(self) -> Json:
        """Definitions of what the portal computes."""
        both: Json = self.mirror_properties | self.calculation_properties | self.aggregation_properties
        return both

    @property
    def declared(self) -> dict[str, Json]:
        """Definitions of all that an entity can show, stored and computed, in the order people gave them."""
        known: Json = self.properties | self.computed_properties
        return known

    def names_stored(self, relation: str) -> list[str]:
        """The names under which its arrows may be found."""
        moved = self.moving.get("relations", {})
        return [relation, *(old for old, new in moved.items() if new == relation)]

    def relation_called(self, name: str) -> Json | None:
        """The definition that an arrow stored under `name` has now."""
        moved = self.moving.get("relations", {})
        found: Json | None = self.relations.get(moved.get(name, name))
        return found


def shown_title() -> Left:
    """What lists are sorted by; titles have no limit, and index rows have."""
    return Left(Lower(Coalesce(NullIf(F("title"), Value("")), F("identifier"))), 200)


class Entity(models.Model):
    blueprint = models.ForeignKey(Blueprint, on_delete=models.PROTECT, related_name="entities")
    identifier = models.CharField(max_length=1000)
    title = models.TextField(blank=True)
    icon = models.CharField(max_length=100, blank=True)
    team = ArrayField(models.TextField(), default=list, blank=True)
    properties = models.JSONField(default=dict)
    computed = models.JSONField(default=dict)
    datasource = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=254)
    updated_at = models.DateTimeField(db_default=Now())
    updated_by = models.CharField(max_length=254)

    class Meta:
        verbose_name_plural = "entities"
        constraints = [models.UniqueConstraint(fields=["blueprint", "identifier"], name="entity_once")]
        indexes = [
            GinIndex(fields=["properties"], opclasses=["jsonb_path_ops"], name="entity_properties"),
            GinIndex(fields=["computed"], opclasses=["jsonb_path_ops"], name="entity_computed"),
            GinIndex(fields=["team"], name="entity_team"),
            GinIndex(fields=["identifier"], opclasses=["gin_trgm_ops"], name="entity_identifier_part"),
            GinIndex(fields=["title"], opclasses=["gin_trgm_ops"], name="entity_title_part"),
            models.Index(F("blueprint"), shown_title(), F("id"), name="entity_by_title"),
            models.Index(fields=["blueprint", "updated_at", "id"], name="entity_by_update"),
            models.Index(fields=["blueprint", "created_at", "id"], name="entity_by_creation"),
            # What an integration has written is found by how its name begins.
            models.Index(fields=["datasource"], opclasses=["varchar_pattern_ops"], name="entity_by_datasource"),
        ]

    def __str__(self) -> str:
        return self.title or self.identifier

    def noun(self) -> Noun:
        kind = self.blueprint
        watched = kind.is_watched
        return Noun("entity", self.identifier, str(self), blueprint=kind.identifier, entity=self.identifier, is_watched=watched)  # fmt: skip

    def facts(self, relations: Json) -> Json:
        """What an event keeps of it: enough to show the difference and to undo."""
        return {
            "identifier": self.identifier,
            "title": self.title or None,
            "icon": self.icon or None,
            "team": list(self.team),
            "properties": self.properties,
            "relations": relations,
        }


class Sight(models.Model):
    """When a program last wrote an entity as it was already. It stands beside the row, which so stays as it is."""

    entity = models.OneToOneField(Entity, on_delete=models.CASCADE, primary_key=True, related_name="sight")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.entity_id} at {self.at}"


class Relation(models.Model):
    """An arrow between two entities, under the name that the source's blueprint gives it."""

    # Their constraint and index begin with these.
    source = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="arrows", db_index=False)
    name = models.CharField(max_length=100)
    target = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="arrows_in", db_index=False)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["source", "name", "target"], name="relation_once")]
        indexes = [models.Index(fields=["target", "name"], name="relation_in")]

    def __str__(self) -> str:
        return f"{self.source_id} -{self.name}-> {self.target_id}"


class Stale(models.Model):
    """Computed values may not be as they should be; see catalog/compute/marks.py. Only ever added, and taken away.

    Keys are plain numbers: what a mark speaks of may be gone, and nobody who leaves one waits for anybody.
    """

    class Kind(models.TextChoices):
        CHANGED = "changed", "an entity changed, and others may show it"
        DUE = "due", "an entity is to be computed again"
        ALL = "all", "all entities of a blueprint are to be computed again"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    blueprint = models.BigIntegerField()
    entity = models.BigIntegerField(default=0)
    # What of the entity changed: properties, `$title`, `relations.service`.
    names = ArrayField(models.CharField(max_length=120), default=list)
    # By relation, the keys of the entities that it pointed at before.
    old = models.JSONField(default=dict)
    # Of all entities of a blueprint: the last one, by key, that was looked at.
    cursor = models.BigIntegerField(default=0)
    # A transaction that is under way now may not know yet of what led to this mark; it is over when this number is past.
    seen = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["blueprint"], name="stale_blueprint"),
            models.Index(fields=["kind", "id"], name="stale_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.blueprint} {self.entity or ''}".rstrip()


class Timer(models.Model):
    """A value of a `timer` property: it runs until `due_at`, and has expired once `expired_at` is set.

    Kept by the write of the entity; see catalog/commands/timers.py. What has expired is kept as long as the entity is,
    so that the same value does not expire again. Keys are plain numbers: a blueprint without timers has no rows here,
    and nobody who writes or deletes its entities looks.
    """

    blueprint = models.BigIntegerField()
    entity = models.BigIntegerField()
    property = models.CharField(max_length=100)
    value = models.TextField()  # as it was written
    due_at = models.DateTimeField()
    expired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entity", "property", "due_at"], name="timer_once")]
        indexes = [
            models.Index(fields=["due_at", "id"], name="timer_due", condition=Q(expired_at=None)),
            models.Index(fields=["blueprint", "property"], name="timer_blueprint"),
        ]

    def __str__(self) -> str:
        return f"{self.property} of entity {self.entity}: {self.value}"


class SelfCheck(models.Model):
    """All computed values were computed again: of how many entities, and how many had others than they should."""

    at = models.DateTimeField(db_default=Now())
    looked = models.PositiveIntegerField()
    wrong = models.PositiveIntegerField()
    examples = models.JSONField(default=list)

    class Meta:
        verbose_name = "self-check of computed values"
        verbose_name_plural = "self-checks of computed values"
        ordering = ["-id"]

    def __str__(self) -> str:
        return (
            f"{self.wrong} of {self.looked} entities were wrong" if self.wrong else f"{self.looked} entities were right"
        )


class Migration(models.Model):
    """Work on all entities of a blueprint, a batch at a time. Whatever happens to a worker, the next goes on from `cursor`."""

    class Kind(models.TextChoices):
        MAP = "map", "entities into another blueprint"
        MOVE = "move", "values to another name"
        FILL = "fill", "a default for what is required"
        ARM = "arm", "timers of a property that has become one"
        DELETE = "delete", "all entities"

    class State(models.TextChoices):
        PENDING = "PENDING"
        RUNNING = "RUNNING"
        COMPLETED = "COMPLETED"
        FAILURE = "FAILURE"
        CANCELLED = "CANCELLED"

    UNFINISHED: ClassVar = [State.PENDING, State.RUNNING]

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=20, choices=State.choices, default=State.PENDING)
    blueprint = models.ForeignKey(Blueprint, null=True, on_delete=models.SET_NULL, related_name="migrations")
    source = models.CharField(max_length=100)  # the blueprint's identifier, for when it is gone
    body = models.JSONField(default=dict)
    # The last entity, by key, that was looked at; null once all were.
    cursor = models.BigIntegerField(null=True, default=0)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    faults = models.JSONField(default=list)
    reason = models.TextField(blank=True)
    actor_kind = models.CharField(max_length=12)
    actor_key = models.CharField(max_length=60)
    actor_name = models.CharField(max_length=254)
    # Whether whoever asked for it might do everything then.
    actor_is_admin = models.BooleanField(default=False)
    door = models.CharField(max_length=10)
    trace = models.UUIDField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["updated_at"],
                name="migration_unfinished",
                condition=Q(state__in=["PENDING", "RUNNING"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.source}"

    def noun(self) -> Noun:
        return Noun("migration", str(self.public_id), str(self), blueprint=self.source)

    def facts(self) -> Json:
        return {
            "sourceBlueprint": self.source,
            "kind": self.kind,
            "status": self.state,
            "body": self.body,
            "done": self.done,
            "failed": self.failed,
            "reason": self.reason or None,
        }


class Alias(models.Model):
    """Another name of an environment, case folded; it stands for one environment only."""

    folded = models.CharField(max_length=100, unique=True)
    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="aliases")

    class Meta:
        verbose_name_plural = "aliases"

    def __str__(self) -> str:
        return self.folded


class View(models.Model):
    """A way to look at a blueprint's table that somebody kept: `query` is the part of the address that says it."""

    blueprint = models.ForeignKey(Blueprint, on_delete=models.CASCADE, related_name="views")
    title = models.CharField(max_length=100)
    # Without an owner it is everybody's.
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE)
    query = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["title", "id"]
        constraints = [
            models.UniqueConstraint(fields=["blueprint", "owner", "title"], name="view_once", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return self.title

    def noun(self) -> Noun:
        return Noun("view", str(self.pk), self.title, blueprint=self.blueprint.identifier)

    def facts(self) -> Json:
        return {"title": self.title, "shared": self.owner_id is None, "query": self.query}


class IndexedProperty(models.Model):
    """A property that lists of its blueprint are quickly sorted, bounded and counted by, however many entities there are."""

    blueprint = models.ForeignKey(Blueprint, on_delete=models.CASCADE, related_name="indexed")
    property = models.CharField(max_length=100)
    # Nobody asked for it: a kept view of a large table sorts or groups by it. It goes with the view.
    for_views = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "indexed properties"
        ordering = ["blueprint", "property"]
        constraints = [models.UniqueConstraint(fields=["blueprint", "property"], name="indexed_once")]

    def __str__(self) -> str:
        return f"{self.property} of {self.blueprint}"

    def noun(self) -> Noun:
        return Noun("index", str(self.pk), str(self), blueprint=self.blueprint.identifier)

    def facts(self) -> Json:
        return {"property": self.property}
