from portal.api.schema.answers import fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.parameters import in_path, query
from portal.api.schema.shapes import by_key, choice, free, instant, listed, null, sent, shown, text, whole

STATES = ["PENDING", "RUNNING", "COMPLETED", "FAILURE", "CANCELLED"]
ID = "0198c7b2-8f2e-7c31-9d3c-0a1b2c3d4e5f"

MAPPING = sent(
    {
        "blueprint": text("component", "The blueprint to write to; without it the source itself.", minLength=1),
        "filter": text('.properties.tier == "gold"', "Only entities for which this is true.", minLength=1),
        "itemsToParse": text(".properties.parts", "A list: an entity is written for each `.item` of it.", minLength=1),
        "entity": sent(
            {
                "identifier": text(".identifier", minLength=1),
                "title": text(".title", minLength=1),
                "icon": text(".icon", minLength=1),
                "team": text(".team", minLength=1),
                "properties": by_key(text(".properties.tier", minLength=1), "tier"),
                "relations": by_key(text(".relations.owner", minLength=1), "owner"),
            }
        ),
    },
    needed="entity",
    name="MigrationMapping",
    about="JQ programs over an entity. What a program gives nothing for is left as it is.",
)
MIGRATION = shown(
    {
        "id": text(ID),
        "actor": text("Dana", "Who asked for it."),
        "sourceBlueprint": text("service"),
        "mapping": free({"entity": {"title": ".title"}}, "Empty for what the portal does by itself."),
        "kind": choice(["map", "move", "fill", "delete"], "What is done to each entity."),
        "status": choice(STATES, example="COMPLETED"),
        "total": whole(1200, "How many entities there were at the start."),
        "done": whole(1199),
        "failed": whole(1),
        "faults": listed(
            text("cart: properties.tier: 'tin' is not one of gold, silver"), "Of the first hundred that failed."
        ),
        "reason": null(text("wrong mapping", "Why it was stopped, or failed.")),
        "createdAt": instant(),
        "updatedAt": instant(),
    },
    name="Migration",
)
PUBLIC_ID = in_path("public_id", text(ID, "The migration's id."))
NONE = missing("migration", f'Migration with identifier "{ID}" was not found')

GROUP = Group(
    "Migrations",
    "Work on all entities of a blueprint, done in the background, a batch at a time.",
    [
        Operation(
            "migrations",
            "GET",
            "/migrations",
            "List migrations",
            needs="catalog.read",
            parameters=[
                query("status", listed(choice(STATES))),
                query("actor", text("Dana")),
                query("blueprint", text("service", "The source's identifier.")),
            ],
            answers={200: ok("The latest 200.", migrations=listed(MIGRATION))},
        ),
        Operation(
            "migration_start",
            "POST",
            "/migrations",
            "Write entities from those of a blueprint",
            needs="blueprint.write",
            body=sent({"sourceBlueprint": text("service"), "mapping": MAPPING}, needed="sourceBlueprint mapping"),
            answers={
                201: ok("It will start in a moment.", migrationId=text(ID), migration=MIGRATION),
                404: missing("blueprint", 'Blueprint with identifier "servise" was not found'),
            },
        ),
        Operation(
            "migration",
            "GET",
            "/migrations/{public_id}",
            "One migration",
            needs="catalog.read",
            parameters=[PUBLIC_ID],
            answers={200: ok("How far it has come.", migration=MIGRATION), 404: NONE},
        ),
        Operation(
            "migration_cancel",
            "POST",
            "/migrations/{public_id}/cancel",
            "Stop a migration",
            about="After the batch that is under way. What is done stays done; one that has ended stays as it ended.",
            needs="catalog.read blueprint.write",
            parameters=[PUBLIC_ID],
            body=sent({"reason": text("wrong mapping")}),
            answers={
                200: ok("The migration as it is now.", migration=MIGRATION),
                404: NONE,
                409: fault(
                    "protected",
                    about="It follows a change of the blueprint, and goes to its end.",
                    message="This follows a change of the blueprint and goes to its end.",
                ),
            },
        ),
    ],
)
