from portal.api.schema.answers import fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.parameters import in_path, query
from portal.api.schema.shapes import choice, flag, free, instant, listed, null, opened, sent, shown, text

_ANNOUNCEMENT = opened(
    sent(
        {
            "enabled": flag(True),
            "content": text("Production is frozen over the holidays", minLength=1, maxLength=300),
            "link": null(text("https://wiki.example.com/freeze", maxLength=300)),
            "color": choice(["blue", "red"]),
        },
        needed="content",
    )
)
_FIELDS = {
    "name": text("Larder", minLength=1, maxLength=100),
    "settings": free({"portalTitle": "Larder"}, "Kept as they are sent."),
}
ORGANIZATION = shown(
    _FIELDS
    | {
        "id": text("org_portcullis"),
        "featureFlags": listed(text("")).like([]),
        "isBlocked": flag(False),
        "announcement": _ANNOUNCEMENT,
    },
    optional="announcement",
    name="Organization",
)
SENT = _FIELDS | {"announcement": null(_ANNOUNCEMENT)}
DESCRIPTION = text("Reads the metrics", maxLength=200)
VALUE = text("s3cret", "Encrypted at rest; no answer and no log ever holds it.", minLength=1)
SECRET = shown(
    {
        "secretName": text("GRAFANA_TOKEN"),
        "description": DESCRIPTION,
        "createdAt": instant(),
        "updatedAt": instant(),
    },
    name="Secret",
)
NAME = in_path("name", text("GRAFANA_TOKEN", minLength=1))
NO_SECRET = missing("secret", 'Secret with name "GRAFANA_TOKEN" was not found')
_APP = {"id": text("Qm3…", "The client id."), "name": text("Terraform"), "enabled": flag(True), "createdAt": instant()}
APP = shown(_APP, optional="id name enabled createdAt", name="App")
CLIENT = in_path("client_id", text("Qm3"))
NO_APP = missing("app", 'App with id "Qm3" was not found')


def _change(name: str, method: str, summary: str, needed: str) -> Operation:
    return Operation(
        name,
        method,
        "/organization",
        summary,
        needs="account.write",
        body=sent(SENT, needed=needed),
        answers={200: ok("As it is now.", organization=ORGANIZATION)},
    )


GROUP = Group(
    "Organisation",
    "The one organisation of an installation, its secrets, and the programs that have a client id.",
    [
        Operation(
            "organization",
            "GET",
            "/organization",
            "The organisation",
            answers={200: ok("One an installation.", organization=ORGANIZATION)},
        ),
        _change("organization_replace", "PUT", "Set the organisation: what is left out is emptied", "name"),
        _change("organization_update", "PATCH", "Change what is given of the organisation", ""),
        Operation(
            "secrets",
            "GET",
            "/organization/secrets",
            "List secrets",
            needs="account.write",
            answers={200: ok("Their names, never their values.", secrets=listed(SECRET))},
        ),
        Operation(
            "secret_create",
            "POST",
            "/organization/secrets",
            "Keep a secret",
            needs="account.write",
            body=sent(
                {
                    "secretName": text("GRAFANA_TOKEN", pattern="^[A-Za-z0-9_-]{1,100}$"),
                    "secretValue": VALUE,
                    "description": null(DESCRIPTION),
                },
                needed="secretName secretValue",
            ),
            answers={
                201: ok("It is kept.", secret=SECRET),
                409: fault(
                    "identifier_taken", about="The name is taken.", message="There is a secret called A already."
                ),
            },
        ),
        Operation(
            "secret",
            "GET",
            "/organization/secrets/{name}",
            "One secret's description",
            needs="account.write",
            parameters=[NAME],
            answers={200: ok("Never its value.", secret=SECRET), 404: NO_SECRET},
        ),
        Operation(
            "secret_update",
            "PATCH",
            "/organization/secrets/{name}",
            "Change a secret",
            needs="account.write",
            parameters=[NAME],
            body=sent({"secretValue": VALUE, "description": null(DESCRIPTION)}),
            answers={200: ok("As it is now.", secret=SECRET), 404: NO_SECRET},
        ),
        Operation(
            "secret_delete",
            "DELETE",
            "/organization/secrets/{name}",
            "Forget a secret",
            needs="account.write",
            parameters=[NAME],
            answers={200: ok("It is gone."), 404: NO_SECRET},
        ),
        Operation(
            "apps",
            "GET",
            "/apps",
            "List programs with a client id",
            needs="account.write",
            parameters=[query("fields", listed(text("name"), "Only these parts."))],
            answers={200: ok("Without their secrets.", apps=listed(APP))},
        ),
        Operation(
            "app_rename",
            "PUT",
            "/apps/{client_id}",
            "Name a program anew",
            needs="account.write",
            parameters=[CLIENT],
            body=sent({"name": text("Terraform", minLength=1, maxLength=100)}, needed="name"),
            answers={
                200: ok("As it is now.", app=APP),
                404: NO_APP,
                409: fault(
                    "identifier_taken", about="The name is taken.", message="There is a credential called A already."
                ),
            },
        ),
        Operation(
            "app_delete",
            "DELETE",
            "/apps/{client_id}",
            "Revoke a program's credentials",
            needs="account.write",
            parameters=[CLIENT],
            answers={200: ok("They work no more."), 404: NO_APP},
        ),
        Operation(
            "app_rotate",
            "POST",
            "/apps/{client_id}/rotate-secret",
            "Make a new secret for a program",
            about="The old secret and its tokens end now.",
            needs="account.write",
            parameters=[CLIENT],
            answers={
                200: ok("The one answer that holds the secret.", app=shown(_APP | {"secret": text("x7K…")})),
                404: NO_APP,
            },
        ),
    ],
)
