from catalog.scorecards import shapes
from portal.api.schema.answers import fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.parameters import in_path
from portal.api.schema.shapes import Shape, free, instant, listed, opened, shown, text

_RULE = {
    "identifier": "owned",
    "title": "Has an owner",
    "level": "Bronze",
    "query": {"combinator": "and", "conditions": [{"property": "$team", "operator": "isNotEmpty"}]},
}
_READY = {"identifier": "ready", "title": "Production readiness", "rules": [_RULE]}
DEFINITION = Shape(shapes.SCORECARD, _READY, "ScorecardDefinition")
PART = Shape({**shapes.SCORECARD, "required": []}, {"title": "Production readiness"})
SCORECARD = opened(
    shown(
        {
            "id": text("scorecard_7"),
            "blueprint": text("service"),
            "identifier": text("ready"),
            "title": text("Production readiness"),
            "rules": listed(free(_RULE, "An entity has a level when all rules of it, and of those below, are true.")),
            "createdAt": instant(),
            "createdBy": text("Terraform"),
            "updatedAt": instant(),
            "updatedBy": text("Terraform"),
        },
        name="Scorecard",
        about="What is expected of the entities of a blueprint. Its filter and levels stand beside, when it has any.",
    )
)
BLUEPRINT = in_path("blueprint", text("service", "A blueprint's identifier.", minLength=1))
IDENTIFIER = in_path("identifier", text("ready", "A scorecard's identifier.", minLength=1))
NO_BLUEPRINT = missing("blueprint", 'Blueprint with identifier "servcie" was not found')
NO_SCORECARD = missing("scorecard", 'Scorecard with identifier "raedy" was not found')
ALL, ONE = "/blueprints/{blueprint}/scorecards", "/blueprints/{blueprint}/scorecards/{identifier}"
WRITE = "catalog.read scorecard.write"

GROUP = Group(
    "Scorecards",
    "What is expected of entities, level by level. How an entity stands is in its own answer, under `scorecards`.",
    [
        Operation(
            "scorecards_everywhere",
            "GET",
            "/scorecards",
            "List all scorecards",
            needs="catalog.read",
            answers={200: ok("Of every blueprint.", scorecards=listed(SCORECARD))},
        ),
        Operation(
            "scorecards",
            "GET",
            ALL,
            "List a blueprint's scorecards",
            needs="catalog.read",
            parameters=[BLUEPRINT],
            answers={200: ok("In the order they were made.", scorecards=listed(SCORECARD)), 404: NO_BLUEPRINT},
        ),
        Operation(
            "scorecard_create",
            "POST",
            ALL,
            "Make a scorecard",
            needs=WRITE,
            parameters=[BLUEPRINT],
            body=DEFINITION,
            answers={
                201: ok("The scorecard.", scorecard=SCORECARD),
                404: NO_BLUEPRINT,
                409: fault(
                    "identifier_taken",
                    about="The identifier is taken.",
                    message='Scorecard with identifier "ready" already exists',
                ),
            },
        ),
        Operation(
            "scorecards_replace",
            "PUT",
            ALL,
            "Set all of a blueprint's scorecards",
            about="What is not in the list goes. All or nothing.",
            needs=WRITE,
            parameters=[BLUEPRINT],
            body=listed(DEFINITION, maxItems=100),
            answers={200: ok("As they are now.", scorecards=listed(SCORECARD)), 404: NO_BLUEPRINT},
        ),
        Operation(
            "scorecard",
            "GET",
            ONE,
            "One scorecard",
            needs="catalog.read",
            parameters=[BLUEPRINT, IDENTIFIER],
            answers={200: ok("Its definition.", scorecard=SCORECARD), 404: NO_SCORECARD},
        ),
        Operation(
            "scorecard_replace",
            "PUT",
            ONE,
            "Set a scorecard's whole definition",
            needs=WRITE,
            parameters=[BLUEPRINT, IDENTIFIER],
            body=DEFINITION,
            answers={200: ok("As it is now.", scorecard=SCORECARD), 404: NO_SCORECARD},
        ),
        Operation(
            "scorecard_update",
            "PATCH",
            ONE,
            "Change the top-level keys that are given",
            needs=WRITE,
            parameters=[BLUEPRINT, IDENTIFIER],
            body=PART,
            answers={200: ok("As it is now.", scorecard=SCORECARD), 404: NO_SCORECARD},
        ),
        Operation(
            "scorecard_delete",
            "DELETE",
            ONE,
            "Delete a scorecard",
            needs=WRITE,
            parameters=[BLUEPRINT, IDENTIFIER],
            answers={200: ok("It is gone."), 404: NO_SCORECARD},
        ),
    ],
)
