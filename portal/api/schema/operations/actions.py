from portal.actions.schema import words
from portal.api.schema.answers import fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.parameters import in_path, query
from portal.api.schema.shapes import Json, Shape, choice, flag, free, listed, opened, shown, text

_SAID = {
    "identifier": "restart",
    "title": "Restart",
    "trigger": {
        "type": "self-service",
        "operation": "DAY-2",
        "blueprintIdentifier": "service",
        "userInputs": {"properties": {"why": {"type": "string", "title": "Why"}}, "required": ["why"]},
    },
    "invocationMethod": {
        "type": "GITHUB",
        "org": "acme",
        "repo": "ops",
        "workflow": "restart.yml",
        "workflowInputs": {"service": "{{ .entity.identifier }}"},
    },
    "requiredApproval": False,
}


def _with(schema: Json, **properties: Json) -> Json:
    return {**schema, "properties": {**schema["properties"], **properties}}


def _any_of(kinds: dict[str, Json]) -> Json:
    return {"anyOf": [_with(schema, type={"const": kind}) for kind, schema in kinds.items()]}


_SELF_SERVICE = _with(words.SELF_SERVICE, type={"const": "self-service"}, userInputs=words.USER_INPUTS)
_AUTOMATION = _with(words.AUTOMATION, type={"const": "automation"}, event=_any_of(words.EVENTS))
_ACTION = _with(
    words.ACTION,
    trigger={"anyOf": [_SELF_SERVICE, _AUTOMATION]},
    invocationMethod=_any_of(words.METHODS),
    requiredApproval={"anyOf": [{"type": "boolean"}, words.APPROVAL]},
    approvalNotification=_any_of(words.NOTIFICATIONS),
)
SENT = Shape(_ACTION, _SAID, "ActionWish")
_META = {"id": "action_1", "createdAt": "2026-02-03T15:40:00.000Z", "createdBy": "Terraform"}
_META |= {"updatedAt": "2026-02-03T15:40:00.000Z", "updatedBy": "Terraform"}
_SHOWN: Json = {**_ACTION["properties"], **dict.fromkeys(_META, {"type": "string"})}
_SHOWN["lastError"] = {
    "type": "object",
    "description": "Why an automation did not run when its event happened, the last time. For those who may change it.",
    "properties": {"message": {"type": "string"}, "at": {"type": "string"}},
}
_SHOWN["paused"] = {
    "type": "object",
    "description": "Why an automation stands still, and since when: whoever saved it may not change it any more. Saving it "
    "again, by somebody who may, lets it go on with their rights.",
    "properties": {"reason": {"type": "string"}, "at": {"type": "string"}},
}
ACTION = opened(
    Shape({"type": "object", "properties": _SHOWN, "required": [*_ACTION["required"], *_META]}, _SAID | _META, "Action")
)

_LISTS = {"users": listed(text("dana@example.org")), "roles": listed(text("Admin")), "teams": listed(text("payments"))}
_POLICY = Shape(words.PERMISSIONS["properties"]["approve"]["properties"]["policy"], None)
PERMISSIONS = shown(
    {
        "execute": shown(_LISTS | {"ownedByTeam": flag(False), "policy": _POLICY}),
        "approve": shown(_LISTS | {"policy": _POLICY}),
    },
    name="ActionPermissions",
    about="Who may run an action, and who may approve. A policy leaves it to administrators until it can be asked.",
)
PERMITTED = Shape(words.PERMISSIONS, {"execute": {"roles": ["Admin"], "ownedByTeam": True}})

IDENTIFIER = in_path("identifier", text("restart", "The action's identifier.", minLength=1))
NO_ACTION = missing("action", 'Action with identifier "restrat" was not found')
TAKEN = fault(
    "identifier_taken",
    about="Another action has the identifier.",
    message='Action with identifier "restart" already exists',
)
READ, WRITE = "action.read", "action.read action.write"
_BELOW = "Older routes; the same actions. Their bodies may also have the first shape, whose `trigger` is the operation."
_OLD = free(
    {
        "identifier": "restart",
        "title": "Restart",
        "trigger": "DAY-2",
        "userInputs": {"properties": {"why": {"type": "string"}}},
        "invocationMethod": {"type": "KAFKA"},
    }
)

GROUP = Group(
    "Actions",
    "What people may ask for, and what follows an event. The portal keeps them and their runs; it writes entities and calls webhooks itself, and other programs fetch the runs and report on them. Automations run by themselves.",
    [
        Operation(
            "actions",
            "GET",
            "/actions",
            "List actions",
            needs=READ,
            parameters=[
                query("action_identifier", listed(text("restart"))),
                query("blueprint_identifier", listed(text("service"))),
                query("operation", listed(choice(words.OPERATIONS, example="DAY-2"))),
                query("published", flag(True)),
                query("trigger_type", choice(["self-service", "automation"])),
                query("trigger_event", listed(choice(words.EVENTS, example="ENTITY_CREATED"))),
                query("trigger_event_action_identifier", listed(text("restart"), "Automations on runs of these.")),
            ],
            answers={200: ok("By identifier.", actions=listed(ACTION))},
        ),
        Operation(
            "action_create",
            "POST",
            "/actions",
            "Make an action",
            needs="action.write",
            body=SENT,
            answers={
                201: ok("It is made.", action=ACTION),
                404: missing("blueprint", 'Blueprint with identifier "servise" was not found'),
                409: TAKEN,
            },
        ),
        Operation(
            "action",
            "GET",
            "/actions/{identifier}",
            "One action",
            needs=READ,
            parameters=[IDENTIFIER],
            answers={200: ok("As it was sent.", action=ACTION), 404: NO_ACTION},
        ),
        Operation(
            "action_replace",
            "PUT",
            "/actions/{identifier}",
            "Set the whole definition",
            about="Another identifier renames it. Runs and permissions stay.",
            needs=WRITE,
            parameters=[IDENTIFIER],
            body=SENT,
            answers={200: ok("As it is now.", action=ACTION), 404: NO_ACTION, 409: TAKEN},
        ),
        Operation(
            "action_delete",
            "DELETE",
            "/actions/{identifier}",
            "Delete an action",
            about="Its runs stay.",
            needs=WRITE,
            parameters=[IDENTIFIER],
            answers={200: ok("It is gone."), 404: NO_ACTION},
        ),
        Operation(
            "action_permissions",
            "GET",
            "/actions/{identifier}/permissions",
            "Who may run and approve",
            needs=READ,
            parameters=[IDENTIFIER],
            answers={200: ok("All lists.", permissions=PERMISSIONS), 404: NO_ACTION},
        ),
        Operation(
            "action_permit",
            "PATCH",
            "/actions/{identifier}/permissions",
            "Set who may run and approve",
            about="Only the lists that are given are replaced.",
            needs=WRITE,
            parameters=[IDENTIFIER],
            body=PERMITTED,
            answers={200: ok("All lists.", permissions=PERMISSIONS), 404: NO_ACTION},
        ),
        Operation(
            "actions_of_blueprint",
            "GET",
            "/blueprints/{blueprint}/actions",
            "List self-service actions of a blueprint",
            about=_BELOW,
            needs=READ,
            answers={200: ok("By identifier.", actions=listed(ACTION)), 404: missing("blueprint")},
        ),
        Operation(
            "action_create_below",
            "POST",
            "/blueprints/{blueprint}/actions",
            "Make an action of a blueprint",
            about=_BELOW,
            needs="action.write",
            body=_OLD,
            answers={201: ok("It is made.", action=ACTION), 404: missing("blueprint"), 409: TAKEN},
        ),
        Operation(
            "actions_write_below",
            "PUT",
            "/blueprints/{blueprint}/actions",
            "Make or set several actions of a blueprint",
            about=f"Those that are not in the list stay. All or nothing. {_BELOW}",
            needs=WRITE,
            body=listed(_OLD),
            answers={200: ok("As they are now.", actions=listed(ACTION)), 404: missing("blueprint"), 409: TAKEN},
        ),
        Operation(
            "action_below",
            "GET",
            "/blueprints/{blueprint}/actions/{identifier}",
            "One action of a blueprint",
            about=_BELOW,
            needs=READ,
            parameters=[IDENTIFIER],
            answers={200: ok("As it was sent.", action=ACTION), 404: NO_ACTION},
        ),
        Operation(
            "action_replace_below",
            "PUT",
            "/blueprints/{blueprint}/actions/{identifier}",
            "Set the whole definition of an action of a blueprint",
            about=_BELOW,
            needs=WRITE,
            parameters=[IDENTIFIER],
            body=_OLD,
            answers={200: ok("As it is now.", action=ACTION), 404: NO_ACTION, 409: TAKEN},
        ),
        Operation(
            "action_delete_below",
            "DELETE",
            "/blueprints/{blueprint}/actions/{identifier}",
            "Delete an action of a blueprint",
            about=_BELOW,
            needs=WRITE,
            parameters=[IDENTIFIER],
            answers={200: ok("It is gone."), 404: NO_ACTION},
        ),
    ],
)
