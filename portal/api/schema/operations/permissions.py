from portal.api.schema.answers import missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.parameters import in_path
from portal.api.schema.shapes import by_key, flag, free, listed, null, sent, shown, text

_LISTS = {
    "users": listed(text("dana@example.org"), "E-mail addresses of people, or names of programs' credentials."),
    "roles": listed(text("Member"), "Admin, Member, or a blueprint's name and `-moderator`.").like(
        ["Admin", "service-moderator"]
    ),
    "teams": listed(text("payments")),
    "ownedByTeam": flag(True, "Members of the team that owns the entity."),
}
_POLICY = free(
    {
        "combinator": "and",
        "rules": [{"property": "region", "operator": "=", "value": {"context": "user", "property": "region"}}],
    },
    "A search; it reaches the entities that it finds for the one who asks.",
)
SHOWN = shown(_LISTS, name="Grant", about="Any one of its parts is enough. Administrators always may.")
SHOWN_POLICY = shown(_LISTS | {"policy": _POLICY}, optional="policy", name="GrantWithPolicy")
SENT = null(sent(_LISTS, name="GrantChange", about="Lists that are left out stay as they are."))
SENT_POLICY = null(sent(_LISTS | {"policy": null(_POLICY)}, name="GrantWithPolicyChange"))

PERMISSIONS = shown(
    {
        "entities": shown(
            {
                "read": SHOWN_POLICY,
                "register": SHOWN,
                "update": SHOWN_POLICY,
                "unregister": SHOWN_POLICY,
                "updateProperties": by_key(SHOWN, "tier", "For who may not change all of an entity."),
                "updateRelations": by_key(SHOWN, "dependsOn"),
            },
            optional="updateProperties updateRelations",
        )
    },
    name="Permissions",
)
CHANGE = sent(
    {
        "entities": sent(
            {
                "read": SENT_POLICY,
                "register": SENT,
                "update": SENT_POLICY,
                "unregister": SENT_POLICY,
                "updateProperties": by_key(SENT, "tier"),
                "updateRelations": by_key(SENT, "dependsOn"),
            }
        )
    },
    name="PermissionsChange",
    about="Null takes a block away again. Once `read` is set, members read only where it names the role Member.",
)
BLUEPRINT = in_path("blueprint", text("service", "The blueprint's identifier.", minLength=1))
NO_BLUEPRINT = missing("blueprint", 'Blueprint with identifier "servise" was not found')

GROUP = Group(
    "Permissions",
    "Who may see, add, change and delete the entities of a blueprint.",
    [
        Operation(
            "blueprint_permissions",
            "GET",
            "/blueprints/{blueprint}/permissions",
            "Who may do what with a blueprint's entities",
            needs="catalog.read",
            parameters=[BLUEPRINT],
            answers={200: ok("As set, and as it is where nothing is set.", permissions=PERMISSIONS), 404: NO_BLUEPRINT},
        ),
        Operation(
            "blueprint_permissions_update",
            "PATCH",
            "/blueprints/{blueprint}/permissions",
            "Set who may do what with a blueprint's entities",
            needs="blueprint.write",
            parameters=[BLUEPRINT],
            body=CHANGE,
            answers={200: ok("All of them as they are now.", permissions=PERMISSIONS), 404: NO_BLUEPRINT},
        ),
    ],
)
