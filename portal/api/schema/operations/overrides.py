from portal.api.schema.answers import fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.operations.claims import CI
from portal.api.schema.operations.locks import ENVIRONMENT, OVERRIDE, SERVICE, UNKNOWN
from portal.api.schema.parameters import in_path, query
from portal.api.schema.shapes import by_key, choice, flag, instant, listed, null, sent, shown, text, whole

OVERRIDE_ID = in_path("public_id", text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f710", "The override's id.", minLength=1))
CODE_ID = in_path("public_id", text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f713", "The code's id.", minLength=1))
TIER = in_path("tier", text("production", "A tier.", minLength=1))
NO_OVERRIDE = missing("override", "There is no such override.")
_CODE = {
    "id": text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f713", format="uuid"),
    "environment": ENVIRONMENT,
    "hint": text("9f3a", "Its last letters."),
    "issued_by": text("Dana"),
    "expires_at": instant(),
    "revoked_at": null(instant()).like(None),
    "used_at": null(instant()).like(None),
    "uses": whole(0, "More than 1 wants somebody's eyes."),
}
CODE = shown(_CODE, name="BreakGlassCode")
ISSUED = shown({**_CODE, "code": text("pcg-8Kw…-9f3a", "Told this once.")}, name="IssuedCode")
USE = shown(
    {
        "id": text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f714", format="uuid"),
        "service": SERVICE,
        "environment": ENVIRONMENT,
        "code": null(text("…9f3a")),
        "commit": null(text("4f2a9c1")),
        "run": text("github:42:1"),
        "run_url": null(text("https://ci.example/runs/42")),
        "reason": text("payments are down, this is the fix"),
        "used_at": instant(),
        "reported_by": text("CI"),
        "verdict": choice(["sound", "reused", "unknown", "stale", "elsewhere"]),
        "verdict_means": text("a code that was good, used once"),
    },
    name="BreakGlassUse",
)
_LIMITS = {
    "default_minutes": whole(240),
    "greatest_minutes": whole(4320),
    "open_ended": flag(True, "Whether a lock may have no end."),
    "shortest_reason": whole(3, "Characters."),
    "two_people": flag(True, "Whether an override needs a second person."),
}
LIMITS = shown(_LIMITS, name="Limits")
_LENGTH = null(text("30m"))

GROUP = Group(
    "Break-glass and limits",
    "Ways past a lock for the day when there must be one, and what the tiers demand.",
    [
        Operation(
            "overrides",
            "GET",
            "/overrides",
            "List overrides",
            needs="lock.read",
            parameters=[query("service", SERVICE), query("environment", ENVIRONMENT)],
            answers={200: ok("Up to 1,000, newest first.", overrides=listed(OVERRIDE)), 404: UNKNOWN},
        ),
        Operation(
            "override_ask",
            "POST",
            "/overrides",
            "Ask to break glass",
            about="It passes the locks and freezes that it names, for one commit in one place. "
            "Where the tier wants two people it opens nothing until another approves it.",
            needs="override.ask",
            body=sent(
                {
                    "service": SERVICE,
                    "environment": ENVIRONMENT,
                    "passes": listed(text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708"), "Ids of locks and freezes."),
                    "commit": text("4f2a9c1"),
                    "reason": text("payments are down, this is the fix"),
                    "link": null(text("https://example.org/incidents/7")),
                    "duration": _LENGTH.about("4h at most; 30m when left out."),
                    "max_uses": whole(1, "Runs that it lets through, from 1 to 10."),
                },
                needed="service environment passes commit reason",
                name="OverrideWish",
            ),
            answers={201: ok("The override.", override=OVERRIDE), 404: UNKNOWN},
        ),
        Operation(
            "override",
            "GET",
            "/overrides/{public_id}",
            "One override",
            needs="lock.read",
            parameters=[OVERRIDE_ID],
            answers={200: ok("The override.", override=OVERRIDE), 404: NO_OVERRIDE},
        ),
        Operation(
            "override_withdraw",
            "DELETE",
            "/overrides/{public_id}",
            "Withdraw an override",
            needs="lock.read override.withdraw",
            parameters=[OVERRIDE_ID],
            answers={200: ok("The override, withdrawn.", override=OVERRIDE), 404: NO_OVERRIDE},
        ),
        Operation(
            "override_approve",
            "POST",
            "/overrides/{public_id}/approval",
            "Approve an override",
            about="By a person, signed in or by a token of their own, and another than who asked. No program may.",
            needs="lock.read override.approve",
            parameters=[OVERRIDE_ID],
            answers={
                200: ok("The override, approved.", override=OVERRIDE),
                404: NO_OVERRIDE,
                409: fault("override_ended", about="It is too late.", message="Too late: it has run out."),
            },
        ),
        Operation(
            "codes",
            "GET",
            "/break-glass/codes",
            "List break-glass codes",
            needs="lock.read",
            parameters=[query("environment", ENVIRONMENT)],
            answers={200: ok("Up to 1,000, without their text.", codes=listed(CODE)), 404: UNKNOWN},
        ),
        Operation(
            "codes_issue",
            "POST",
            "/break-glass/codes",
            "Issue break-glass codes",
            about="For the day when the portal cannot be asked. Keep them safe: their text is told this once.",
            needs="code.issue",
            body=sent(
                {"environment": ENVIRONMENT, "count": whole(1), "duration": null(text("90d"))},
                needed="environment",
                name="CodesWish",
            ),
            answers={201: ok("The codes.", codes=listed(ISSUED)), 404: UNKNOWN},
        ),
        Operation(
            "code_revoke",
            "DELETE",
            "/break-glass/codes/{public_id}",
            "Revoke a break-glass code",
            needs="lock.read code.issue",
            parameters=[CODE_ID],
            answers={200: ok("The code, revoked.", code=CODE), 404: missing("code", "There is no such code.")},
        ),
        Operation(
            "break_glass_uses",
            "GET",
            "/break-glass/uses",
            "List uses of break-glass codes",
            needs="lock.read",
            answers={200: ok("Up to 1,000, newest first.", uses=listed(USE))},
        ),
        Operation(
            "code_use",
            "POST",
            "/break-glass/uses",
            "Tell of a break-glass code's use",
            about="Afterwards, when the portal can be reached again. It is kept whatever the code is worth.",
            needs="deployment.report",
            body=sent(
                {
                    "code": text("pcg-8Kw…-9f3a"),
                    "service": SERVICE,
                    "environment": ENVIRONMENT,
                    "ci": CI,
                    "commit": null(text("4f2a9c1")),
                    "reason": text("payments are down, this is the fix"),
                    "used_at": null(instant("Now, when left out.")),
                },
                needed="code service environment ci reason",
                name="CodeUse",
            ),
            answers={201: ok("The use.", use=USE), 404: UNKNOWN},
        ),
        Operation(
            "limits",
            "GET",
            "/limits",
            "What the tiers demand",
            needs="lock.read",
            answers={200: ok("By tier.", policy=text("2.0", "Their version."), limits=by_key(LIMITS, "production"))},
        ),
        Operation(
            "limits_set",
            "PATCH",
            "/limits/{tier}",
            "Change what a tier demands",
            about="What is left out stays.",
            needs="limits.write",
            parameters=[TIER],
            body=sent(_LIMITS, name="LimitsChange"),
            answers={200: ok("The limits.", limits=LIMITS), 404: missing("tier", nearest=True)},
        ),
    ],
)
