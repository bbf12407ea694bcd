from portal.api.schema.answers import fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.parameters import in_path, query
from portal.api.schema.shapes import choice, flag, listed, shown, text

ONE = "/starters/{identifier}"
NAME = in_path("identifier", text("on-call", "The starter's identifier.", minLength=1))
STARTER = shown(
    {
        "identifier": text("on-call"),
        "title": text("On-call"),
        "description": text("Schedules, escalation policies, and who is called for a service now."),
        "imported": flag(False, "Whether it was imported here, and not taken out again."),
    },
    name="Starter",
)
CHANGE = shown(
    {
        "kind": text("property", "Such as blueprint, property, relation, scorecard, view, example."),
        "blueprint": text("service"),
        "name": text("onCallSchedule", "Empty where it is the blueprint itself."),
        "state": choice(
            ["new", "same", "differs", "taken"],
            "new: not here. same: here as it is. differs: here otherwise, and could be set. taken: the name means "
            "something else here, and stays that.",
        ),
    },
    name="StarterChange",
)
LEFT = shown({"part": text("blueprint onCallSchedule"), "why": text("has 1 entity")})
NONE = missing("starter", "There is no starter called “on-cal”.")

GROUP = Group(
    "Starters",
    "Parts of a catalog that come with the portal: blueprints, relations, scorecards, views and examples.",
    [
        Operation(
            "starters",
            "GET",
            "/starters",
            "List the starters",
            needs="catalog.read",
            answers={200: ok("All of them.", starters=listed(STARTER))},
        ),
        Operation(
            "starter",
            "GET",
            ONE,
            "What a starter would change",
            needs="catalog.read",
            parameters=[NAME],
            answers={200: ok("Its parts beside what is here.", starter=STARTER, changes=listed(CHANGE)), 404: NONE},
        ),
        Operation(
            "starter_import",
            "POST",
            ONE,
            "Import a starter",
            about="Adds what is not here, all or nothing. Again it changes nothing.",
            needs="blueprint.write",
            parameters=[
                NAME,
                query("examples", flag(True, "With its example entities.")),
                query("overwrite", flag(False, "Set what is here otherwise as the starter has it.")),
            ],
            answers={
                200: ok("What came, and what is here otherwise and stayed.", done=listed(CHANGE), left=listed(CHANGE)),
                404: NONE,
                409: fault(
                    "conflict",
                    "migrating",
                    about="What is here does not allow it now.",
                    message="Values of tier are still being moved; ask again in a moment.",
                ),
            },
        ),
        Operation(
            "starter_remove",
            "DELETE",
            ONE,
            "Take a starter out again",
            about="What is still as it came and holds nothing goes; the rest stays, and can be taken out later.",
            needs="blueprint.write",
            parameters=[NAME],
            answers={
                200: ok(
                    "What went, and what stayed with the reason.",
                    gone=listed(text("scorecard on-call-readiness of service")),
                    left=listed(LEFT),
                ),
                404: NONE,
            },
        ),
    ],
)
