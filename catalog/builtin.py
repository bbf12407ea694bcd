"""The kinds that the catalog itself owns: service and environment."""

from django.db.models import Q

from catalog import kinds
from catalog.models import Alias, Entity
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid
from portal.kit.locking import advisory_lock

LONGEST_ALIAS = 100
TIERS = {"production": "red", "staging": "yellow", "test": "blue", "development": "green"}

SERVICE = {
    "identifier": "service",
    "title": "Service",
    "icon": "Microservice",
    "description": "Something that is deployed.",
    "schema": {
        "properties": {
            "description": {"type": "string", "title": "Description"},
            "language": {"type": "string", "title": "Language"},
            "tier": {
                "type": "string",
                "title": "Tier",
                "enum": ["mission critical", "customer facing", "internal"],
                "enumColors": {"mission critical": "red", "customer facing": "orange", "internal": "lightGray"},
            },
            "onCall": {"type": "string", "format": "user", "title": "On call"},
            "slackChannel": {"type": "string", "title": "Slack channel"},
            "repository": {"type": "string", "format": "url", "title": "Repository"},
            "documentation": {"type": "string", "format": "url", "title": "Documentation"},
        },
        "required": [],
    },
    "relations": {"dependsOn": {"title": "Depends on", "target": "service", "required": False, "many": True}},
    "ownership": {"type": "Direct"},
}

ENVIRONMENT = {
    "identifier": "environment",
    "title": "Environment",
    "icon": "Environment",
    "description": "Where services are deployed to.",
    "schema": {
        "properties": {
            "tier": {"type": "string", "title": "Tier", "enum": list(TIERS), "enumColors": TIERS},
            "aliases": {
                "type": "array",
                "title": "Aliases",
                "items": {"type": "string"},
                "description": "Other names that reports and the gate may use; upper and lower case are the same.",
            },
            "slackChannel": {"type": "string", "title": "Slack channel"},
            "region": {"type": "string", "title": "Region"},
        },
        "required": [],
    },
    "relations": {},
    "ownership": {"type": "Direct"},
}


def register() -> None:
    kinds.register(kinds.Kind(SERVICE))
    kinds.register(kinds.Kind(ENVIRONMENT, saved=environment_saved))


def environment_saved(environment: Entity, by: By) -> None:
    """Every name of an environment, identifier or alias, stands for that one alone, whatever its case.

    Two that write environments at once wait here for each other: a name that changed hands would open a gate.
    """
    advisory_lock("environment names")
    aliases = _aliases(environment)
    names = aliases | {environment.identifier.casefold()}
    others = Entity.objects.filter(blueprint=environment.blueprint).exclude(pk=environment.pk)
    for identifier in others.values_list("identifier", flat=True):
        if identifier.casefold() in names:
            raise Conflict(
                f"“{identifier}” is another environment; upper and lower case are the same name here.",
                code="alias_taken",
            )
    own = set()
    there = Alias.objects.filter(Q(folded__in=names) | Q(entity=environment)).select_related("entity")
    for each in there.order_by("pk"):
        if each.entity_id != environment.pk:
            raise Conflict(
                f"The alias “{each.folded}” already stands for {each.entity.identifier}.", code="alias_taken"
            )
        own.add(each.folded)
    if gone := own - aliases:
        environment.aliases.filter(folded__in=gone).delete()
    Alias.objects.bulk_create(Alias(folded=alias, entity=environment) for alias in sorted(aliases - own))


def _aliases(environment: Entity) -> set[str]:
    wished = environment.properties.get("aliases") or []
    if not isinstance(wished, list) or any(not isinstance(alias, str) or not alias.strip() for alias in wished):
        raise Invalid.at("properties.aliases", "must be a list of texts that are not empty")
    folded = {alias.strip().casefold() for alias in wished}
    if any(len(alias) > LONGEST_ALIAS for alias in folded):
        raise Invalid.at("properties.aliases", f"an alias takes {LONGEST_ALIAS} characters at most")
    return folded
