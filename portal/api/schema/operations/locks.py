from locks.decisions import INTENTS
from locks.models import Lock, Pass, ScopeKind
from portal.api.locks import STATES
from portal.api.schema.answers import Answer, fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.parameters import in_path, query
from portal.api.schema.shapes import (
    always,
    choice,
    either,
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

SERVICE = text("checkout", "A service's identifier.")
ENVIRONMENT = text("production", "An environment's identifier, or one of its aliases.")
REASON = text("debugging the payment retries", "Why, in a sentence for those who wait.", minLength=3, maxLength=2000)
ALLOWS = listed(choice(Pass.values), "Who passes all the same: rollbacks; its holder, in person.").like([])
_NAMED = {
    "service": null(SERVICE),
    "environment": null(ENVIRONMENT),
    "tier": null(text("production", "All environments of a tier.")).like(None),
    "team": null(text("payments", "All services of a team.")).like(None),
}
LOCK = shown(
    {
        "id": text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708", format="uuid"),
        "kind": choice(Lock.Kind.values),
        "effect": choice(Lock.Effect.values),
        "scope": choice(ScopeKind.values),
        **_NAMED,
        "allows": ALLOWS,
        "reason": text("debugging the payment retries"),
        "link": null(text("https://example.org/incidents/7")),
        "holder": shown({"kind": text("user", "user, credential or system."), "name": text("Dana")}),
        "automatic_by": null(text("canary")).like(None),
        "starts_at": instant(),
        "expires_at": null(instant("Null: until it is released.", "2026-02-03T17:40:00.000Z")),
        "released_at": null(instant()).like(None),
        "released_by": null(text("Dana")).like(None),
        "release_reason": null(text("done")).like(None),
        "url": text("https://portal.example.org/locks/019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708", "Its page."),
    },
    name="Lock",
)
ASKED = shown({"service": text("checkout"), "environment": text("prod")}, about="The names as they were asked by.")
WINDOW = {"starts_at": instant(), "ends_at": instant(example="2026-02-06T15:40:00.000Z")}
_FREEZE = {
    "id": text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f709", format="uuid"),
    "title": text("Weekend"),
    "effect": choice(Lock.Effect.values),
    "scope": choice(ScopeKind.values, example="tier"),
    "service": null(SERVICE).like(None),
    "environment": null(ENVIRONMENT).like(None),
    "tier": null(text("production")),
    "team": null(text("payments")).like(None),
    "allows": ALLOWS,
    "reason": text("nobody is in the office"),
    "link": null(text("https://example.org/freezes")).like(None),
    "timezone": text("Europe/Dublin", "An IANA name."),
    "starts": null(text("2026-02-06T17:00", "The first window's start on the wall of that zone.")),
    "duration": null(text("2d15h")),
    "rrule": null(text("FREQ=WEEKLY;BYDAY=FR", "RFC 5545; none for once.")),
    "exceptions": listed(text("2026-12-25"), "Days and moments on which no window begins."),
    "holidays": listed(free({"name": "Christmas Day", "starts": "2026-12-25T00:00", "minutes": 1440})),
    "withdrawn_at": null(instant()).like(None),
    "withdrawn_by": null(text("Dana")).like(None),
    "holder": shown({"kind": text("user"), "name": text("Dana")}),
    "url": text("https://portal.example.org/locks#freeze-019a2b3c-4d5e-7f80-91a2-b3c4d5e6f709"),
}
FREEZE = shown({**_FREEZE, "windows": listed(shown(WINDOW), "The next five.")}, name="Freeze")
FROZEN = shown({**_FREEZE, **WINDOW}, name="Frozen", about="A freeze, and the window that is on.")
_RUN = {
    "service": SERVICE,
    "environment": ENVIRONMENT,
    "run": text("github:42:1", "provider:run:attempt."),
    "run_url": null(text("https://ci.example/runs/42")),
    "holder": shown({"kind": text("credential"), "name": text("CI")}),
    "intent": choice(INTENTS),
    "commit": null(text("4f2a9c1")),
    "version": null(text("2.14.0")),
}
CLAIM = shown(
    {
        "id": text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f711", format="uuid"),
        **_RUN,
        "fence": whole(17, "Goes up with every claim of the pair."),
        "begun_at": instant(),
        "revoked_at": null(instant()).like(None),
        "revoked_by": null(text("Dana")).like(None),
        "finished_at": null(instant()).like(None),
        "outcome": null(choice(["success", "failure", "cancelled", "lapsed"])).like(None),
        "late_at": null(instant("When it came to finish after its lease was gone: two may have deployed.")).like(None),
        "lease": whole(60, "Seconds."),
        "lease_until": instant(),
        "heartbeat_every": whole(15, "Seconds."),
    },
    name="Claim",
)
TICKET = {
    "id": text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f712", format="uuid"),
    **_RUN,
    "arrived_at": instant(),
    "ready_at": null(instant()).like(None),
    "ended_at": null(instant()).like(None),
    "ending": null(choice(["begun", "withdrawn", "lapsed"])).like(None),
    "lease": whole(60, "Seconds."),
    "lease_until": instant(),
}
OVERRIDE = shown(
    {
        "id": text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f710", format="uuid"),
        "service": SERVICE,
        "environment": ENVIRONMENT,
        "commit": text("4f2a9c1"),
        "passes": listed(text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708"), "Ids of locks and freezes."),
        "reason": text("payments are down, this is the fix"),
        "link": null(text("https://example.org/incidents/7")),
        "holder": text("Dana"),
        "expires_at": instant(),
        "max_uses": whole(1),
        "needs_approval": flag(True),
        "approved_at": null(instant()).like(None),
        "approver": null(text("Priya")).like(None),
        "withdrawn_at": null(instant()).like(None),
        "withdrawn_by": null(text("Dana")).like(None),
        "uses": listed(
            shown({"run": text("github:42:1"), "run_url": null(text("https://ci.example/runs/42")), "at": instant()})
        ).like([]),
    },
    name="Override",
)
_DECISION = {
    "service": SERVICE,
    "environment": text("production", "Its true name, whatever was asked."),
    "tier": text("production"),
    "intent": choice(INTENTS),
    "at": instant("When it was decided."),
    "message": text("checkout in production is open.", "A sentence for people."),
    "stopped_by": null(choice(["lock", "freeze", "claim", "line"])).like(None),
    "ahead": whole(0, "How many wait in line before this run."),
    "next_open_at": null(instant("When, as things stand, nothing denies any more.")).like(None),
    "retry_after": null(whole(7200, "Seconds until asking again can be worth it.")).like(None),
    "locks": listed(LOCK, "All that cover the place, the most severe first."),
    "freezes": listed(FROZEN, "Those that are on.").like([]),
    "override_url": null(
        text("https://portal.example.org/locks/overrides/new?service=checkout", "Where its owners break glass.")
    ).like(None),
    "claim": null(CLAIM).about("Who deploys now.").like(None),
    "override": null(OVERRIDE).about("What passed all that would have denied.").like(None),
    "url": text("https://portal.example.org/catalog/service/entities/checkout", "The service's page."),
    "asked": ASKED,
}
_EXPLAINED = {
    "policy": text("2.0", "The version of the rules and limits; with `explain`."),
    "explanation": listed(
        shown(
            {
                "rule": choice(["lock", "freeze", "claim", "line"]),
                "id": text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708"),
                "title": text("lock of search everywhere: reindexing"),
                "applies": flag(False),
                "why": text("it covers search everywhere, not this place"),
            }
        ),
        "With `explain`.",
    ),
}
ALLOWED = shown(
    {"outcome": choice(["allow", "warn"]), **_DECISION, "locks": _DECISION["locks"].like([])}
    | {"receipt": text("eyJv…", "Hand it back as the report's `decision`.")}
    | _EXPLAINED,
    optional="policy explanation",
    name="Allowed",
)
DENIED = shown(
    {
        "outcome": choice(["deny", "wait"], "Wait: another run deploys, or others wait in line before."),
        **_DECISION,
        "message": text("checkout in production is locked by Dana until 17:40 UTC: debugging the payment retries"),
        "stopped_by": null(choice(["lock", "freeze", "claim", "line"])),
        "next_open_at": null(instant(example="2026-02-03T17:40:00.000Z")),
        "retry_after": null(whole(7200)),
        **_EXPLAINED,
    },
    optional="policy explanation",
    name="Denied",
)
DENIED_OR_WAIT = free({"outcome": "wait", "message": "checkout in production has to wait"}, "As `/gate` answers it.")
_ERROR = choice(["locked", "wait"])
LOCKED = Answer(
    "Not now. Stop, and show `message`.",
    shown(
        {
            "ok": always(False),
            "error": _ERROR,
            "message": text(DENIED.example["message"]),
            "details": free({}),
            "decision": DENIED,
        }
    ),
    {"Retry-After": text("7200", "Seconds; absent where a lock is open-ended.")},
)
STOPPED = Answer(
    "Not now: `decision` says why.",
    shown(
        {
            "ok": always(False),
            "error": _ERROR,
            "message": text(DENIED.example["message"]),
            "details": free({}),
            "decision": DENIED_OR_WAIT,
        }
    ),
    LOCKED.headers,
)
SIMULATION = shown(
    {
        "places": whole(6, "How many services in environments it covers."),
        "examples": listed(shown({"service": SERVICE, "environment": ENVIRONMENT})),
        "held": null(LOCK).about("The manual lock that is there already.").like(None),
        "running": listed(CLAIM, "Who deploys there now, and may finish."),
        "waiting": listed(shown(TICKET, name="Ticket"), "Who waits in line there."),
        "people": listed(text("Dana"), "Who deploys there, waits to, or did in the last seven days."),
        "teams": listed(text("payments"), "Who owns what it covers."),
    },
    name="Simulation",
)
ID = in_path("public_id", text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708", "The lock's id.", minLength=1))
NO_LOCK = missing("lock", "There is no such lock.")
_UNTIL = {
    "until": null(instant("An end; null for open-ended. Or `duration`.", "2026-02-03T17:40:00Z")),
    "duration": text("2h", "From now: `90m`, `2h`, `1d12h`. Or `until`."),
}
UNKNOWN = missing("name", "There is no service called “chekout”. Did you mean checkout?", nearest=True)

GROUP = Group(
    "Gate and locks",
    "May I deploy now? And: nobody deploys here while I work.",
    [
        Operation(
            "gate",
            "GET",
            "/gate",
            "Ask whether a deployment may go on",
            about="200 is yes, 423 is no. Anything else is no answer: treat it as no. A denial is kept.",
            needs="gate.ask",
            parameters=[
                query("service", SERVICE, needed=True),
                query("environment", ENVIRONMENT, needed=True),
                query("intent", choice(INTENTS)),
                query("commit", text("4f2a9c1", "What is to be deployed.")),
                query("explain", flag(True, "List each rule that was looked at, and why it applies or does not.")),
                query("run", text("github:42:1", "Who asks: a run has to wait for nobody but those before it.")),
                query(
                    "run_url", text("https://ci.example/runs/42", "Its page, for those who see that it was stopped.")
                ),
                query(
                    "override", text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f710", "An override's id. Its use is counted.")
                ),
            ],
            answers={200: ok("Go on, perhaps with a warning.", decision=ALLOWED), 404: UNKNOWN, 423: LOCKED},
        ),
        Operation(
            "locks",
            "GET",
            "/locks",
            "List locks",
            needs="lock.read",
            parameters=[
                query("state", choice(STATES)),
                query("service", SERVICE),
                query("environment", ENVIRONMENT),
                query("scope", choice(ScopeKind.values)),
            ],
            answers={200: ok("Up to 1,000.", locks=listed(LOCK)), 404: UNKNOWN},
        ),
        Operation(
            "lock_take",
            "POST",
            "/locks",
            "Take a lock",
            about="It lasts until its end or its release; without an end, as long as its tier's default.",
            needs="lock.take",
            body=sent(
                {
                    "scope": null(choice(ScopeKind.values, "What it covers. Name what the scope needs, and no more.")),
                    **_NAMED,
                    "reason": REASON,
                    "link": null(text("https://example.org/incidents/7", "http or https.")),
                    "kind": null(choice(Lock.Kind.values)),
                    "effect": null(choice(Lock.Effect.values)),
                    "allows": ALLOWS,
                    "steal": flag(False, "Take it over from its holder, where you may."),
                    **_UNTIL,
                },
                needed="reason",
                name="LockWish",
            ).like({"service": "checkout", "environment": "production", "reason": REASON.example, "duration": "2h"}),
            answers={
                201: ok("The lock.", lock=LOCK),
                404: UNKNOWN,
                409: fault(
                    "already_locked",
                    about="It is held. `details.lock` is the one that is in the way.",
                    message="checkout in production is locked by Dana until 17:40 UTC: debugging the payment retries",
                    details={"lock": LOCK.example},
                ),
            },
        ),
        Operation(
            "lock_simulate",
            "POST",
            "/locks/simulation",
            "See what a lock would meet",
            about="Nothing is written. What runs may finish all the same.",
            needs="lock.read",
            body=sent({"scope": null(choice(ScopeKind.values)), **_NAMED}, name="LockDraft").like(
                {"service": "checkout", "environment": "production"}
            ),
            answers={200: ok("What it would meet.", simulation=SIMULATION), 404: UNKNOWN},
        ),
        Operation(
            "lock",
            "GET",
            "/locks/{public_id}",
            "One lock",
            needs="lock.read",
            parameters=[ID],
            answers={200: ok("The lock, active or not.", lock=LOCK), 404: NO_LOCK},
        ),
        Operation(
            "lock_release",
            "DELETE",
            "/locks/{public_id}",
            "Release a lock",
            about="Twice is the same as once. A token releases what it took itself.",
            needs="lock.read lock.release",
            parameters=[
                ID,
                query("reason", text("done")),
                query("steal", flag(False, "Take it from its holder, who is told: for people, with a reason.")),
            ],
            answers={200: ok("The lock, released.", lock=LOCK), 404: NO_LOCK},
        ),
        Operation(
            "lock_extend",
            "POST",
            "/locks/{public_id}/extension",
            "Move a lock's end",
            needs="lock.read lock.extend",
            parameters=[ID],
            body=either(
                sent({"duration": _UNTIL["duration"]}, needed="duration"),
                sent({"until": _UNTIL["until"]}, needed="until"),
            ),
            answers={
                200: ok("The lock.", lock=LOCK),
                404: NO_LOCK,
                409: fault("lock_ended", about="It has ended.", message="This lock has ended. Take a new one."),
            },
        ),
    ],
)
