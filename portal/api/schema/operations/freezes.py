from portal.api.schema.answers import Answer, fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.operations.locks import (
    ALLOWS,
    ENVIRONMENT,
    FREEZE,
    SERVICE,
    UNKNOWN,
    WINDOW,
)
from portal.api.schema.parameters import in_path, query
from portal.api.schema.shapes import always, choice, free, instant, listed, null, sent, shown, text

ID = in_path("public_id", text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f709", "The freeze's id.", minLength=1))
NO_FREEZE = missing("freeze", "There is no such freeze.")
ENDED = fault("freeze_withdrawn", about="It was withdrawn.", message="This freeze has been withdrawn. Make a new one.")
_TIMES = {
    "timezone": text("Europe/Dublin", "An IANA name; UTC when left out."),
    "starts": null(text("2026-02-06T17:00", "Wall time of that zone, without an offset.")),
    "duration": null(text("2d15h")),
    "rrule": null(text("FREQ=WEEKLY;BYDAY=FR", "RFC 5545: YEARLY, MONTHLY, WEEKLY or DAILY.")),
    "exceptions": listed(text("2026-12-25"), "Days and moments on which no window begins."),
    "ics": null(text("BEGIN:VCALENDAR…", "The text of a calendar file: each event is a window.")).like(None),
    "holidays": listed(free({}), "As they were read; an empty list takes them out. New ones come by `ics`.").like([]),
}
_WORDS = {
    "title": text("Weekend"),
    "reason": text("nobody is in the office"),
    "link": null(text("https://example.org/freezes")).like(None),
    "effect": choice(["block", "block_automation", "warn"]),
    "allows": ALLOWS,
}
_SCOPE = {
    "scope": null(choice(["pair", "service", "environment", "team", "tier", "everything"], example="tier")),
    "service": null(SERVICE).like(None),
    "environment": null(ENVIRONMENT).like(None),
    "tier": null(text("production")),
    "team": null(text("payments")).like(None),
}
WINDOWS = listed(shown(WINDOW), "The next five, the one that is on included.")

GROUP = Group(
    "Freezes",
    "Times at which nobody deploys: windows in the wall time of a zone, once or again and again.",
    [
        Operation(
            "freezes",
            "GET",
            "/freezes",
            "List freezes",
            needs="lock.read",
            parameters=[
                query("service", SERVICE),
                query("environment", ENVIRONMENT),
                query("state", choice(["live", "all"], "All: the withdrawn ones too.")),
            ],
            answers={200: ok("Up to 1,000, newest first.", freezes=listed(FREEZE)), 404: UNKNOWN},
        ),
        Operation(
            "freeze_create",
            "POST",
            "/freezes",
            "Make a freeze",
            about="A deployment that runs when a window begins may finish.",
            needs="freeze.write",
            body=sent({**_WORDS, **_TIMES, **_SCOPE}, needed="title reason", name="FreezeWish"),
            answers={201: ok("The freeze.", freeze=FREEZE), 404: UNKNOWN},
        ),
        Operation(
            "freeze_preview",
            "GET",
            "/freezes/preview",
            "Look ahead",
            about="With `starts`: the next windows of such a freeze. Else: what the gate will say of a place.",
            needs="lock.read",
            parameters=[
                *(query(name, _TIMES[name]) for name in ("timezone", "starts", "duration", "rrule")),
                query("service", SERVICE),
                query("environment", ENVIRONMENT),
                query("intent", choice(["deploy", "rollback"])),
                query("at", instant("Now, when left out.", "2026-12-24T17:00:00Z")),
            ],
            answers={
                200: Answer(
                    "The foresight; `decision` is what `/gate` would say.",
                    shown({"ok": always(True), "windows": WINDOWS, "decision": free({})}, optional="decision"),
                ),
                404: UNKNOWN,
            },
        ),
        Operation(
            "freeze",
            "GET",
            "/freezes/{public_id}",
            "One freeze",
            needs="lock.read",
            parameters=[ID],
            answers={200: ok("The freeze.", freeze=FREEZE), 404: NO_FREEZE},
        ),
        Operation(
            "freeze_change",
            "PATCH",
            "/freezes/{public_id}",
            "Change a freeze",
            about="What is left out stays. What it covers stays in any case.",
            needs="lock.read freeze.write",
            parameters=[ID],
            body=sent({**_WORDS, **_TIMES}, name="FreezeChange"),
            answers={200: ok("The freeze.", freeze=FREEZE), 404: NO_FREEZE, 409: ENDED},
        ),
        Operation(
            "freeze_withdraw",
            "DELETE",
            "/freezes/{public_id}",
            "Withdraw a freeze",
            about="It ends at once and for good. Twice is the same as once.",
            needs="lock.read freeze.write",
            parameters=[ID],
            answers={200: ok("The freeze, withdrawn.", freeze=FREEZE), 404: NO_FREEZE},
        ),
    ],
)
