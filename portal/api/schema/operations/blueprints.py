from portal.api.schema.answers import fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.parameters import in_path, query
from portal.api.schema.shapes import by_key, choice, flag, free, instant, listed, null, opened, sent, shown, text

TYPES = ["string", "number", "boolean", "object", "array"]
FORMATS = "date-time url email idn-email ipv4 ipv6 markdown yaml user blueprints team timer proto labeled-url".split()

PROPERTY = opened(
    sent(
        {
            "type": choice(TYPES),
            "title": null(text("Tier", maxLength=100)),
            "description": null(text("How much it matters")),
            "icon": null(text("Star")),
            "format": choice(FORMATS, example="url"),
            "spec": choice(["open-api", "embedded-url", "async-api"]),
            "items": free({"type": "string"}, "Of an array: the definition of what is in it."),
        },
        needed="type",
        name="Property",
        about="A property's definition: its type, how it is shown, and what a value must satisfy. JSON Schema's words for "
        "bounds (`enum`, `pattern`, `minLength`, `minimum`, …) may stand beside these, and `enumColors`.",
    )
).like({"type": "string", "title": "Tier", "enum": ["gold", "silver"], "enumColors": {"gold": "gold"}})
RELATION = sent(
    {
        "title": null(text("Team", maxLength=100)),
        "description": null(text("Who owns it")),
        "target": text("team", "The identifier of a blueprint.", minLength=1),
        "required": flag(False),
        "many": flag(False),
    },
    needed="target",
    name="RelationDefinition",
)
MIRROR = sent(
    {"title": null(text("Owner's tier")), "path": text("owner.tier", "Along relations, to a property.", pattern="\\.")},
    needed="path",
    name="MirrorProperty",
)
CALCULATION = sent(
    {
        "title": null(text("Link")),
        "type": choice(TYPES),
        "format": choice(FORMATS, example="url"),
        "calculation": text('"https://grafana.example/d/" + .identifier', "A JQ expression."),
    },
    needed="calculation type",
    name="CalculationProperty",
)
_SCHEMA = sent({"properties": by_key(PROPERTY, "tier"), "required": listed(text("tier"))}, needed="properties")
_DEFINITION = {
    "identifier": text("service", maxLength=100),
    "title": text("Service", minLength=1, maxLength=100),
    "description": null(text("Something that is deployed", maxLength=200)),
    "icon": null(text("Microservice", maxLength=100)),
    "schema": _SCHEMA,
    "calculationProperties": by_key(CALCULATION, "dashboard"),
    "mirrorProperties": by_key(MIRROR, "ownerTier"),
    "aggregationProperties": by_key(free({"target": "deployment", "calculationSpec": {}}), "deployments"),
    "relations": by_key(RELATION, "owner"),
    "ownership": null(
        sent(
            {
                "type": choice(["Direct", "Inherited"]),
                "title": text("Owner", maxLength=100),
                "path": text("owner", "Of Inherited: along which relations."),
            },
            needed="type",
        )
    ).like({"type": "Inherited", "path": "owner"}),
    "teamInheritance": null(free({"path": "owner"})).like(None),
    "changelogDestination": null(free({"type": "WEBHOOK"})).like(None),
}
_PLAIN = {
    "identifier": "box",
    "title": "Box",
    "schema": {"properties": {"size": {"type": "number", "title": "Size"}}, "required": []},
    "relations": {},
}
BLUEPRINT = shown(
    _DEFINITION
    | {"createdAt": instant(), "createdBy": text("Dana"), "updatedAt": instant(), "updatedBy": text("Dana")},
    optional="description icon ownership teamInheritance changelogDestination",
    name="Blueprint",
    about="A kind of thing. Unset texts are left out.",
)
DEFINITION = sent(_DEFINITION, needed="identifier title schema", name="BlueprintDefinition").like(_PLAIN)
PART = sent(_DEFINITION, name="BlueprintPart").like({"description": "What things are kept in"})

NAME = in_path("name", text("tier", "The name so far.", pattern="^[^/]+$"))
IDENTIFIER = in_path("identifier", text("service", "The blueprint's identifier.", minLength=1))
NO_BLUEPRINT = missing("blueprint", 'Blueprint with identifier "servise" was not found')
NO_TARGET = missing("blueprint, its own or the target of a relation", 'Blueprint with identifier "owner" was not found')


def _change(name: str, method: str, summary: str) -> Operation:
    return Operation(
        name,
        method,
        "/blueprints/{identifier}",
        summary,
        needs="blueprint.write",
        parameters=[IDENTIFIER],
        body=DEFINITION if method == "PUT" else PART,
        answers={
            200: ok("The blueprint as it is now.", blueprint=BLUEPRINT),
            404: NO_TARGET,
            409: fault(
                "migrating",
                about="Values of a property that changes are still being moved.",
                message="Values of tier are still being moved; ask again in a moment.",
            ),
        },
    )


def _rename(what: str, place: str, key: str, example: str) -> Operation:
    return Operation(
        f"{what}_rename",
        "PATCH",
        f"/blueprints/{{blueprint}}/{place}/{{name}}/rename",
        f"Rename a {what}",
        about="What entities have under the old name is kept, and whatever speaks of it is rewritten: mirrors, "
        "aggregations, calculations where that is plain, scorecards, saved views. Values of more than a thousand entities "
        "move in the background; reading is right meanwhile.",
        needs="blueprint.write",
        parameters=[NAME],
        body=sent({key: text(example, pattern=r"^[A-Za-z0-9@_=\\-]+$", maxLength=100)}, needed=key),
        answers={
            200: ok("The blueprint as it is now.", blueprint=BLUEPRINT),
            404: missing(f"blueprint or {what}", f'{what.capitalize()} with identifier "tear" was not found'),
            409: fault(
                "identifier_taken",
                "protected",
                "migrating",
                about="The new name is taken, or is being moved to or from; or it comes with the portal.",
                message="“level” is taken in the blueprint “Service”.",
            ),
        },
    )


GROUP = Group(
    "Blueprints",
    "Kinds of things: typed properties, relations, and what the portal computes.",
    [
        Operation(
            "blueprints",
            "GET",
            "/blueprints",
            "List blueprints",
            needs="catalog.read",
            answers={200: ok("All of them, by title.", blueprints=listed(BLUEPRINT))},
        ),
        Operation(
            "blueprint_create",
            "POST",
            "/blueprints",
            "Make a blueprint",
            about="One of a kind that comes with the portal (service, environment, …) is merged into it.",
            needs="blueprint.write",
            body=DEFINITION,
            answers={
                201: ok("The blueprint.", blueprint=BLUEPRINT),
                404: NO_TARGET,
                409: fault(
                    "identifier_taken",
                    about="The identifier is taken.",
                    message='Blueprint with identifier "box" already exists',
                ),
            },
        ),
        Operation(
            "blueprint",
            "GET",
            "/blueprints/{identifier}",
            "One blueprint",
            needs="catalog.read",
            parameters=[IDENTIFIER],
            answers={200: ok("Its definition.", blueprint=BLUEPRINT), 404: NO_BLUEPRINT},
        ),
        Operation(
            "blueprints_import",
            "POST",
            "/blueprints/bulk",
            "Make or set several blueprints",
            about="All or none. They may point at each other in any order, and in circles.",
            needs="blueprint.write",
            body=sent({"blueprints": listed(DEFINITION, minItems=1, maxItems=100)}, needed="blueprints"),
            answers={
                200: ok("Each as it is now, in the order they were sent.", blueprints=listed(BLUEPRINT)),
                404: NO_TARGET,
                409: fault(
                    "migrating",
                    about="Values of a property that changes are still being moved.",
                    message="Values of tier are still being moved; ask again in a moment.",
                ),
            },
        ),
        _rename("property", "properties", "newPropertyName", "level"),
        _rename("mirror", "mirror", "newMirrorName", "ownerLevel"),
        _rename("relation", "relations", "newRelationIdentifier", "owningTeam"),
        Operation(
            "blueprint_structure",
            "GET",
            "/blueprints/system/{identifier}/structure",
            "What the portal itself put into a blueprint",
            needs="catalog.read",
            parameters=[IDENTIFIER],
            answers={
                200: ok("Its definition without what people added.", blueprint=BLUEPRINT),
                404: missing("system blueprint", 'System blueprint with identifier "box" was not found'),
            },
        ),
        _change("blueprint_replace", "PUT", "Set a blueprint's whole definition"),
        _change("blueprint_update", "PATCH", "Change the top-level keys that are given"),
        Operation(
            "blueprint_delete",
            "DELETE",
            "/blueprints/{identifier}",
            "Delete a blueprint",
            needs="blueprint.write",
            parameters=[IDENTIFIER, query("delete_actions", flag(False, "And the actions about its entities."))],
            answers={
                200: ok("It is gone."),
                404: NO_BLUEPRINT,
                409: fault(
                    "has_dependents",
                    "protected",
                    about="It has entities, others point at it or count its entities, or it comes with the portal.",
                    message="The blueprint “Box” still has 12 entities; delete them first.",
                    details={"entities": 12},
                ),
            },
        ),
    ],
)
