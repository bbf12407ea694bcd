from portal.api.schema.answers import Answer, fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.parameters import CREATE_MISSING, DEPENDENTS, MERGE, RUN, SHOWN, UPSERT, VALIDATION_ONLY, query
from portal.api.schema.shapes import (
    Shape,
    always,
    by_key,
    choice,
    either,
    flag,
    free,
    instant,
    listed,
    null,
    opened,
    sent,
    shown,
    text,
    whole,
)

_POINTED = either(text("checkout"), free({"identifier": "checkout", "title": "Checkout"}))
ENTITY = shown(
    {
        "identifier": text("checkout"),
        "title": text("Checkout"),
        "icon": text("Microservice"),
        "blueprint": text("service"),
        "team": listed(text("payments"), "The teams that own it."),
        "properties": free({"tier": "gold"}, "Own and computed values; unset ones are left out."),
        "relations": by_key(
            either(null(_POINTED), listed(_POINTED)),
            "owner",
            "Identifiers, or a list of them; null where it points at nothing.",
        ),
        "scorecards": free(
            {"ready": {"level": "Bronze", "rules": [{"identifier": "owned", "status": "SUCCESS", "level": "Bronze"}]}},
            "How it stands, for each scorecard that judges it.",
        ),
        "createdAt": instant(),
        "createdBy": text("Dana"),
        "updatedAt": instant(),
        "updatedBy": text("CI"),
    },
    optional="identifier title icon blueprint team properties relations scorecards createdAt createdBy updatedAt updatedBy",
    name="Entity",
    about="A thing of the catalog. Unset keys are left out; `include` and `exclude` choose parts.",
)
# Names may be found by a query: exactly one for an identifier, any number for a relation to many and the team.
FIND = opened(
    sent(
        {
            "combinator": choice(["and", "or"]),
            "rules": listed(free({"property": "$title", "operator": "=", "value": "Payments"})),
        },
        needed="combinator rules",
        name="Lookup",
        about="A query in the place of a name: rules compare properties by =, in, contains and containsAny.",
    )
)
_TEXTS = either(text("payments"), listed(text("payments")), FIND, Shape({"type": "null"}, None))
_SENT = {
    "identifier": either(
        text("checkout", maxLength=1000), FIND, Shape({"type": "null"}, None), about="Left out, the portal makes one."
    ),
    "title": null(text("Checkout")),
    "icon": null(text("Microservice", maxLength=100)),
    "team": _TEXTS.about("The teams that own it: one, or a list."),
    "properties": null(free({"description": "Takes the money"}, "Values by property; null clears one.")),
    "relations": null(by_key(_TEXTS, "owner", "Identifiers by relation; null points at nothing.").like({})),
}
WISH = sent(_SENT, name="EntityWish", about="What an entity is to be.")
CHANGE = sent(_SENT, name="EntityChange", about="What an entity is to be; another identifier renames it.").like(
    {"title": "Checkout", "properties": {"description": "Takes the money"}}
)

NO_BLUEPRINT = missing("blueprint", 'Blueprint with identifier "servise" was not found')
UNKNOWN = missing("blueprint, entity or relation", 'Entity with identifier "chekout" was not found', nearest=True)
# What stands behind a write of a kind that the portal owns: locks, deployments and aliases have rules of their own.
REFUSED = {
    "identifier_taken": "the identifier is taken",
    "alias_taken": "another environment has the alias",
    "already_locked": "somebody else holds the lock",
    "still_locked": "another lock holds it closed",
    "no_place": "it names no service and environment",
    "locked_entity": "an active lock names it",
    "config_taken": "the service has a deployment config in this environment",
    "config_in_use": "the deployment config has deployments",
    "deployment_conflict": "the deployment says otherwise",
}
CONFLICT = fault(
    *REFUSED,
    about=f"It contradicts what is there: {'; '.join(f'`{code}`, {why}' for code, why in REFUSED.items())}.",
    message='Entity with identifier "checkout" already exists',
)
DEPENDENTS_CONFLICT = fault(
    "has_dependents",
    "locked_entity",
    "deletion_held",
    about="Other entities have a required relation to it, or an active lock names it. `deletion_held`: an integration "
    "would delete more than its share; an administrator decides.",
    message="2 entities need “checkout”: a, b. Delete them first, or send delete_dependents=true.",
    details={"dependents": ["a", "b"]},
)
GONE = ok("What was deleted, dependents included.", deletedEntities=listed(text("checkout")))
BULK_ANSWER = {
    "entities": listed(shown({"identifier": text("checkout"), "index": whole(0), "created": flag(True)})),
    "errors": listed(
        shown(
            {
                "identifier": text("chekout", "`unknown` where it named none."),
                "index": whole(1, "Its place in the request."),
                "statusCode": whole(422),
                "error": text("invalid_request"),
                "message": text("title: must be a text"),
                "details": free({"errors": [{"path": "title", "message": "must be a text"}]}),
            }
        )
    ),
}


def _one(name: str, method: str, summary: str, answers: dict[int, Answer], **more: object) -> Operation:
    return Operation(name, method, "/blueprints/{blueprint}/entities/{identifier}", summary, answers, **more)  # type: ignore[arg-type]


GROUP = Group(
    "Entities",
    "The things of the catalog: read, write, one or many.",
    [
        Operation(
            "entities",
            "GET",
            "/blueprints/{blueprint}/entities",
            "List a blueprint's entities",
            needs="catalog.read",
            parameters=SHOWN,
            answers={200: ok("All of them.", entities=listed(ENTITY)), 404: NO_BLUEPRINT},
        ),
        Operation(
            "entity_create",
            "POST",
            "/blueprints/{blueprint}/entities",
            "Make or upsert an entity",
            about="With `upsert` it overrides one that is there; with `upsert` and `merge` it changes what is given.",
            needs="entity.write",
            parameters=[UPSERT, MERGE, VALIDATION_ONLY, CREATE_MISSING, RUN, *SHOWN],
            body=WISH,
            answers={201: ok("The entity as it is now.", entity=ENTITY), 404: UNKNOWN, 409: CONFLICT},
        ),
        Operation(
            "entities_count",
            "GET",
            "/blueprints/{blueprint}/entities-count",
            "Count a blueprint's entities",
            needs="catalog.read",
            answers={200: ok("How many.", count=whole(41)), 404: NO_BLUEPRINT},
        ),
        Operation(
            "entities_write",
            "POST",
            "/blueprints/{blueprint}/entities/bulk",
            "Make or upsert up to 20 entities",
            about="Each by itself: some may be written where others are refused. Match them by `index`.",
            needs="entity.write",
            parameters=[UPSERT, MERGE, VALIDATION_ONLY, CREATE_MISSING, RUN],
            body=sent({"entities": listed(WISH, minItems=1, maxItems=20)}, needed="entities"),
            answers={
                200: Answer(
                    "All were written.",
                    shown({"ok": always(True), **BULK_ANSWER}).like(
                        {
                            "ok": True,
                            "entities": [{"identifier": "checkout", "index": 0, "created": True}],
                            "errors": [],
                        }
                    ),
                ),
                207: Answer("Some were refused.", shown({"ok": always(False), **BULK_ANSWER})),
                404: NO_BLUEPRINT,
            },
        ),
        Operation(
            "entities_delete_all",
            "DELETE",
            "/blueprints/{blueprint}/all-entities",
            "Delete all entities of a blueprint",
            about="Up to a hundred go at once, more in the background: the migration tells how far it has come.",
            needs="entity.write",
            parameters=[query("delete_blueprint", flag(False, "And the blueprint itself.")), RUN],
            answers={
                200: ok(
                    "How many are gone already.",
                    migrationId=text("0198c7b2-8f2e-7c31-9d3c-0a1b2c3d4e5f"),
                    deleted=whole(41),
                ),
                404: NO_BLUEPRINT,
                409: fault(
                    "has_dependents",
                    "protected",
                    "deletion_held",
                    about="Entities of other blueprints need them, or the blueprint stays. `deletion_held`: an "
                    "integration would delete more than its share; an administrator decides.",
                    message="2 entities need “checkout”: a, b. Delete them first.",
                ),
            },
        ),
        Operation(
            "entities_delete",
            "POST",
            "/blueprints/{blueprint}/bulk/entities/delete",
            "Delete up to 100 entities",
            about="All or none. Those that are gone already are no fault.",
            needs="entity.write",
            parameters=[DEPENDENTS, RUN],
            body=sent({"entities": listed(text("checkout"), minItems=1, maxItems=100)}, needed="entities"),
            answers={200: GONE, 404: NO_BLUEPRINT, 409: DEPENDENTS_CONFLICT},
        ),
        _one(
            "entity",
            "GET",
            "One entity",
            {200: ok("The entity.", entity=ENTITY), 404: UNKNOWN},
            needs="catalog.read",
            parameters=SHOWN,
        ),
        _one(
            "entity_replace",
            "PUT",
            "Set a whole entity",
            {200: ok("The entity as it is now.", entity=ENTITY), 404: UNKNOWN, 409: CONFLICT},
            needs="entity.write",
            parameters=[VALIDATION_ONLY, CREATE_MISSING, RUN, *SHOWN],
            body=CHANGE,
        ),
        _one(
            "entity_update",
            "PATCH",
            "Change what is given of an entity",
            {200: ok("The entity as it is now.", entity=ENTITY), 404: UNKNOWN, 409: CONFLICT},
            needs="entity.write",
            parameters=[VALIDATION_ONLY, CREATE_MISSING, RUN, *SHOWN],
            body=CHANGE,
        ),
        _one(
            "entity_delete",
            "DELETE",
            "Delete an entity",
            {200: GONE, 404: UNKNOWN, 409: DEPENDENTS_CONFLICT},
            needs="entity.write",
            parameters=[DEPENDENTS, RUN],
        ),
    ],
)
