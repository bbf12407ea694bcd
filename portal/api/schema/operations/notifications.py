from catalog.builtin import TIERS
from portal.api.schema.answers import Answer, fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.parameters import in_path, query
from portal.api.schema.shapes import (
    Json,
    Shape,
    always,
    choice,
    flag,
    free,
    instant,
    listed,
    null,
    sent,
    shown,
    text,
    whole,
)
from portal.notifications.models import Route
from portal.notifications.notice import TESTED, kinds
from portal.notifications.shapes import LONGEST_SECRET, MOST

_ID = "019a2b3c-4d5e-7f80-91a2-b3c4d5e6f740"
_EVENT = "019a2b3c-4d5e-7f80-91a2-b3c4d5e6f741"
_ADDRESS = "https://chat.example.org/hooks/deploys"
ID = in_path("public_id", text(_ID, "The route's id.", minLength=1))
OF = query("of", text(_EVENT, "The event that is shown; the newest, when left out."))
NO_ROUTE = missing("route", "There is no such route; it may have been deleted.")
NO_EVENT = missing("route or event", "There is no such event among those that it would have told.")
TAKEN = fault("name_taken", about="Another has its name.", message="There is a route called “Locks” already.")
_CLOCK = "^([01][0-9]|2[0-3]):[0-5][0-9]$"
_QUIET: dict[str, Shape] = {
    "from": text("22:00", pattern=_CLOCK),
    "until": text("07:00", "The next day, where it comes before `from`.", pattern=_CLOCK),
    "zone": text("Europe/Dublin", "An IANA name; UTC when left out.", maxLength=60),
}


def _events() -> str:
    names = sorted(kind.name for kind in kinds() if kind.name != TESTED)
    return f"Names, or patterns of them such as `lock.*`: {', '.join(names)}."


_WORDS = {
    "name": text("Locks of payments", minLength=1, maxLength=100),
    "events": listed(text("lock.*", minLength=1, maxLength=60), _events(), minItems=1, maxItems=MOST),
    "teams": listed(text("payments", minLength=1, maxLength=1000), "None is every team.", maxItems=MOST),
    "tiers": listed(choice(TIERS), "None is every tier.", maxItems=MOST),
    "only_bad": flag(False, "Only what went wrong."),
    "to": choice(Route.To.values, "Whom: see docs/notifications.md.", example="webhook"),
    "enabled": flag(True),
    "dry": flag(False, "What it would tell stands in the log, and nobody is told."),
}
_SERVICES = listed(text("checkout", minLength=1, maxLength=1000), "None is every service.", maxItems=MOST)
_SENT = _WORDS | {
    "services": _SERVICES.like([]),
    "quiet": null(sent(_QUIET, needed="from until")),
    "address": null(
        text(
            _ADDRESS,
            "For `channel`, `email` (with commas between) and `webhook`. One that is sent as it is shown stays.",
            maxLength=2000,
        )
    ),
    "secret": null(
        text(
            "correct horse battery staple",
            "Of a webhook: calls are signed with it. It is not shown again; left out it stays, null takes it away.",
            minLength=16,
            maxLength=LONGEST_SECRET,
        )
    ),
}
WISH = sent(_SENT, needed="name events to", name="RouteWish")
CHANGE = sent(_SENT, name="RouteChange").like({"enabled": False})
ROUTE = shown(
    {
        "id": text(_ID, format="uuid"),
        **_WORDS,
        "services": null(_SERVICES.like([])),
        "quiet": null(shown(_QUIET)),
        "address": null(
            text("https://chat.example.org/•••", "What of it may be shown: the name of a channel, else its host alone.")
        ),
        "signed": flag(True, "It has a secret."),
        "created_at": instant(),
        "created_by": text("Dana"),
        "updated_at": instant(),
        "updated_by": text("Dana"),
        "url": text(f"https://portal.example.org/notifications/routes/{_ID}", "Its page."),
    },
    name="Route",
    about="Whoever may not change routes sees neither which services they name nor addresses, but those of channels.",
)
_EXAMPLE: Json = {"text": "Dana locked checkout in production"}
_PREVIEW = {
    "matched": whole(3, "So many events of the last 7 days it would have told."),
    "cut": flag(False, "There were more: the newest 1,000 that it listens to were looked at."),
    "events": listed(
        shown({"id": text(_EVENT), "name": text("lock.taken"), "at": instant(), "title": text("checkout in production")}),
        "Up to 20 of them, the newest first.",
    ),
    "shown": null(
        shown(
            {
                "of": text(_EVENT, "The event."),
                "slack": free(_EXAMPLE, "The message, as Slack is sent it; empty where the portal does not speak to Slack."),
                "subject": text("Dana locked checkout in production", "Of the e-mail."),
                "text": text("Dana locked checkout in production\n", "Of the e-mail."),
                "webhook": free({"summary": "Dana locked checkout in production"}, "The body of the call."),
            }
        )
    ),
}  # fmt: skip
PREVIEW = ok("What it would have told; nobody was.", **_PREVIEW)


def _change(name: str, method: str, summary: str, about: str, body: Shape) -> Operation:
    return Operation(
        name,
        method,
        "/notifications/routes/{public_id}",
        summary,
        about=f"{about} The same again changes nothing.",
        needs="route.write",
        parameters=[ID],
        body=body,
        answers={200: ok("The route.", route=ROUTE), 404: NO_ROUTE, 409: TAKEN},
    )


GROUP = Group(
    "Notifications",
    "Routes: which events are told, and to whom. Their secrets are never shown, and of addresses no more than the host.",
    [
        Operation(
            "routes",
            "GET",
            "/notifications/routes",
            "List routes",
            needs="route.read",
            answers={200: ok("Up to 1,000, by name.", routes=listed(ROUTE))},
        ),
        Operation(
            "route_create",
            "POST",
            "/notifications/routes",
            "Make a route",
            needs="route.write",
            body=WISH,
            answers={201: ok("The route.", route=ROUTE), 409: TAKEN},
        ),
        Operation(
            "route_draft_preview",
            "POST",
            "/notifications/routes/preview",
            "What a route would tell, before it is made",
            needs="route.write",
            parameters=[OF],
            body=sent(_SENT, needed="events to", name="RouteDraft"),
            answers={200: PREVIEW, 404: NO_EVENT},
        ),
        Operation(
            "route",
            "GET",
            "/notifications/routes/{public_id}",
            "One route",
            needs="route.read",
            parameters=[ID],
            answers={200: ok("The route.", route=ROUTE), 404: NO_ROUTE},
        ),
        _change(
            "route_update", "PUT", "Replace a route", "What is left out is as in a new one, but the secret, which stays.", WISH
        ),
        _change("route_change", "PATCH", "Change a route", "What is left out stays.", CHANGE),
        Operation(
            "route_delete",
            "DELETE",
            "/notifications/routes/{public_id}",
            "Delete a route",
            about="What is on its way by it arrives, unless it is a webhook's.",
            needs="route.write",
            parameters=[ID],
            answers={200: ok("It is deleted."), 404: NO_ROUTE},
        ),
        Operation(
            "route_preview",
            "GET",
            "/notifications/routes/{public_id}/preview",
            "What a route would have told",
            needs="route.write",
            parameters=[ID, OF],
            answers={200: PREVIEW, 404: NO_EVENT},
        ),
        Operation(
            "route_test",
            "POST",
            "/notifications/routes/{public_id}/test",
            "Send a test",
            about="Really tells it, marked as a test: what it says of the event `of`, else of the newest, else that it is "
            "there. A route to a person tells the one who asks. What becomes of it stands in the log.",
            needs="route.write",
            parameters=[ID, OF],
            answers={
                202: Answer(
                    "It is on its way.",
                    shown(
                        {
                            "ok": always(True),
                            "of": null(text(_EVENT, "The event that it tells of.")),
                            "notifications": listed(
                                shown({"id": text(_EVENT), "medium": choice(["slack", "email", "webhook"])})
                            ),
                            "log": text("https://portal.example.org/notifications/log", "The page of the log."),
                        }
                    ),
                ),
                404: NO_EVENT,
                409: fault(
                    "nobody",
                    about="It would reach nobody.",
                    message="Slack is not connected: set PORTCULLIS_SLACK_TOKEN.",
                ),
            },
        ),
    ],
)  # fmt: skip
