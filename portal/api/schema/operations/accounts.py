from portal.api.schema.answers import Answer, fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.parameters import in_path, query
from portal.api.schema.shapes import always, choice, instant, listed, null, opened, sent, shown, text

EMAIL = text("dana@example.org", "Whatever its case.")
FIELDS = query("fields", listed(text("name"), "Only these parts, as `name` or `users.email`."))

USER = shown(
    {
        "id": text("user_7"),
        "email": EMAIL,
        "firstName": text("Dana"),
        "lastName": text("Okafor"),
        "status": choice(["ACTIVE", "INVITED", "STAGED", "DISABLED"]),
        "type": choice(["STANDARD", "SERVICE_ACCOUNT"]),
        "providers": listed(text("portcullis")),
        "roles": listed(shown({"name": text("Admin", "Admin, Member, or a blueprint's name and `-moderator`.")})),
        "teams": listed(shown({"name": text("payments")})),
        "createdAt": instant(),
    },
    optional="id email firstName lastName status type providers roles teams createdAt",
    name="User",
    about="Which parts are there is chosen with `fields`.",
)
_TEAM = {
    "name": text("payments", "The name is the identifier: entities name their team by it."),
    "description": text("Takes the money"),
    "provider": choice(["portcullis"]),
}
TEAM = shown(
    _TEAM | {"users": listed(shown({"email": EMAIL}))},
    optional="name description provider users",
    name="Team",
    about="Which parts are there is chosen with `fields`.",
)
TEAM_WRITTEN = shown(
    _TEAM | {"users": listed(EMAIL)}, name="WrittenTeam", about="After a write people are plain addresses."
)
_SENT = {
    "name": text("payments", minLength=1, maxLength=100),
    "description": null(text("Takes the money")),
    "users": null(listed(EMAIL, "Addresses of people who are here.")),
}
NAME = in_path("name", text("payments", "The team's name.", minLength=1))
WHO = in_path("email", EMAIL)
NO_USER = missing("user", 'User with email "dan@example.org" was not found')
LAST = fault(
    "last_admin",
    "own_account",
    about="Somebody has to be able to undo it.",
    message="This is the last administrator. Make somebody else one first.",
)
NO_TEAM = missing("team", 'Team with name "payment" was not found')


def _change(name: str, method: str, summary: str) -> Operation:
    return Operation(
        name,
        method,
        "/teams/{name}",
        summary,
        needs="account.write",
        parameters=[NAME],
        body=sent(_SENT),
        answers={200: ok("The team as it is now.", team=TEAM_WRITTEN), 404: NO_TEAM},
    )


GROUP = Group(
    "Users and teams",
    "People, and the teams that own things.",
    [
        Operation(
            "users",
            "GET",
            "/users",
            "List people",
            needs="catalog.read",
            parameters=[FIELDS],
            answers={200: ok("Everybody, by address.", users=listed(USER))},
        ),
        Operation(
            "user",
            "GET",
            "/users/{email}",
            "One person",
            needs="catalog.read",
            parameters=[WHO, FIELDS],
            answers={200: ok("Who it is.", user=USER), 404: NO_USER},
        ),
        Operation(
            "user_invite",
            "POST",
            "/users/invite",
            "Invite somebody",
            about="The link lets its holder choose a password, once, within a week. Inviting again makes a new one.",
            needs="account.write",
            body=sent(
                {
                    "invitee": sent(
                        {"email": EMAIL, "roles": listed(text("Member")), "teams": listed(text("payments"))},
                        needed="email",
                    )
                },
                needed="invitee",
            ),
            answers={
                200: ok(
                    "The link, to be handed over.",
                    invitation=shown({"url": text("https://portal.example.com/invitation/Qm3…"), "email": EMAIL}),
                ),
                409: fault(
                    "identifier_taken",
                    about="Who it is signs in already.",
                    message="Dana Okafor has an account already, which is active.",
                ),
            },
        ),
        Operation(
            "user_update",
            "PATCH",
            "/users/{email}",
            "Change somebody's roles, teams and status",
            needs="account.write",
            parameters=[WHO],
            body=sent(
                {
                    "roles": listed(text("Member"), minItems=1),
                    "teams": listed(text("payments")),
                    "status": choice(["ACTIVE", "DISABLED"]),
                }
            ),
            answers={
                200: Answer("Who it is now.", opened(shown({"ok": always(True), "user": USER}))),
                404: NO_USER,
                409: LAST,
            },
        ),
        Operation(
            "user_delete",
            "DELETE",
            "/users/{email}",
            "Delete somebody's account",
            needs="account.write",
            parameters=[WHO],
            answers={200: ok("It is gone."), 404: NO_USER, 409: LAST},
        ),
        Operation(
            "personal_credentials_rotate",
            "POST",
            "/rotate-credentials/{email}",
            "Make a new secret for somebody's own credentials",
            needs="account.write",
            parameters=[WHO],
            answers={
                200: ok(
                    "The one answer that holds the secret.",
                    credentials=shown({"clientId": text("Qm3…"), "clientSecret": text("x7K…")}),
                ),
                404: NO_USER,
            },
        ),
        Operation(
            "teams",
            "GET",
            "/teams",
            "List teams",
            needs="catalog.read",
            parameters=[FIELDS],
            answers={200: ok("All teams, by name.", teams=listed(TEAM))},
        ),
        Operation(
            "team_create",
            "POST",
            "/teams",
            "Make a team",
            needs="account.write",
            body=sent(_SENT, needed="name"),
            answers={
                201: ok("The team.", team=TEAM_WRITTEN),
                409: fault(
                    "identifier_taken",
                    about="The name is taken.",
                    message="There is a team called payments already.",
                    details={"kind": "identifier"},
                ),
            },
        ),
        Operation(
            "team",
            "GET",
            "/teams/{name}",
            "One team",
            needs="catalog.read",
            parameters=[NAME, FIELDS],
            answers={200: ok("The team and its people.", team=TEAM), 404: NO_TEAM},
        ),
        _change("team_replace", "PUT", "Set a team: what is left out is emptied"),
        _change("team_update", "PATCH", "Change what is given of a team"),
        Operation(
            "team_delete",
            "DELETE",
            "/teams/{name}",
            "Delete a team",
            about="What it owned keeps its name, so that a team made anew under it owns the same.",
            needs="account.write",
            parameters=[NAME],
            answers={200: ok("It is gone."), 404: NO_TEAM},
        ),
    ],
)
