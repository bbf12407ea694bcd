from deployments.health.models import Kind
from deployments.health.states import Outcome, State
from portal.api.schema.answers import fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.operations.locks import ENVIRONMENT, SERVICE, UNKNOWN
from portal.api.schema.parameters import in_path, query
from portal.api.schema.shapes import (
    anything,
    choice,
    flag,
    free,
    instant,
    listed,
    null,
    number,
    sent,
    shown,
    text,
    whole,
)

ID = in_path("public_id", text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f70a", "Its id.", minLength=1))
STATE = choice(State.values, "What it is at this instant.", example="healthy")
NO_PROBE = missing("probe", "There is no probe with the id 019a2b3c-4d5e-7f80-91a2-b3c4d5e6f70a.")
TAKEN = fault(
    "identifier_taken",
    "probe_deleted",
    about="Its place has a probe of this name, or it has just been deleted.",
    message="There is a probe called “front door” of checkout in production already.",
)
_HEALTH = {
    "state": STATE,
    "since": instant("Of `state`."),
    "verdict": choice(State.values, "What its results say, whatever stands in front of it.", example="healthy"),
    "checked_at": null(instant("Of the last result that says anything.")),
    "stale_since": null(instant("Since when nothing has come that says anything; then `state` is unknown.")).like(None),
    "run_version": null(text("1.4.2", "The version that says to be running.")),
    "muted": flag(False, "A maintenance is on."),
}
_SPEC = {"url": "https://checkout.example.org/healthz", "status": ["200-299"]}
_WISHES = {
    "name": text("front door", minLength=1, maxLength=100),
    "spec": free(
        _SPEC, "What it asks, by kind: see docs/health.md. Values of headers are shown as •••, and stay when sent so."
    ),
    "interval": whole(30, "Seconds."),
    "timeout": number(5.0, "Seconds, less than the interval."),
    "failure_threshold": whole(3, "So many in a row make it worse."),
    "recovery_threshold": whole(2, "So many in a row make it better."),
    "paused": flag(False),
}
_PLACE = {
    "kind": choice(Kind.values, example="http"),
    "service": null(SERVICE),
    "environment": null(ENVIRONMENT),
    "blueprint": null(text("service", "Of an entity that is no service in an environment.")).like(None),
    "entity": null(text("checkout")).like(None),
}
PROBE = shown(
    {
        "id": text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f70a"),
        **_PLACE,
        **_WISHES,
        **_HEALTH,
        "reason": null(text("It answered 503 where 200-299 is expected.", "Why it is so.")).like(None),
        "ms": null(whole(120, "Of the last result.")),
        "due_at": null(instant("When it is asked next, or its heartbeat is missed.")),
        "created_at": instant(),
        "created_by": text("Dana"),
    },
    name="Probe",
)
READING = shown(
    {
        "at": instant("When it was asked for."),
        "outcome": choice(Outcome.values),
        "answered": flag(True, "Whether there was an answer at all."),
        "ms": null(whole(120)),
        "status": null(whole(200)),
        "reason": null(text("It took 900 ms; 800 are expected.")).like(None),
        "values": free({}),
        "run_version": null(text("1.4.2")),
    },
    name="Reading",
)
FLIP = shown(
    {
        "id": text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f70b"),
        "probe": text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f70a"),
        "name": text("front door"),
        "from": choice(State.values, example="healthy"),
        "to": choice(State.values, example="failing"),
        "at": instant(),
        "reason": null(text("It answered 503 where 200-299 is expected.")),
        "values": free({"status": 503}, "What made it so."),
        "run_version": null(text("1.4.2")).like(None),
        "muted": flag(False, "A maintenance was on, and nobody was alerted."),
    },
    name="Flip",
)
WINDOW = shown(
    {
        "id": text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f70c"),
        "covers": text("checkout in production", "In words."),
        "reason": text("a new database"),
        "starts_at": instant(),
        "ends_at": instant("", "2026-02-03T16:40:00.000Z"),
        "by": text("Dana"),
        "is_on": flag(True),
    },
    name="Maintenance",
)
_SPAN = [query("since", instant("", "2026-02-03T14:40:00Z")), query("until", instant("Now, when left out.", "2026-02-03T15:40:00Z"))]  # fmt: skip
_FLAT = sent(
    {
        "readings": listed(
            sent(
                {
                    "probe": null(text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f70a", "A probe's id.")),
                    "at": null(instant("Now, when left out.", "2026-02-03T12:00:00Z")),
                    "outcome": choice(Outcome.values),
                    "ms": null(whole(120)),
                    "version": null(text("1.4.2")),
                    "key": null(text("run-17", "What has the same key counts once.")),
                }
            )
        )
    }
)

GROUP = Group(
    "Health",
    "Probes, what they find, and what others find and tell.",
    [
        Operation(
            "health_places",
            "GET",
            "/health",
            "How services are in their environments",
            needs="probe.read",
            parameters=[query("service", SERVICE), query("environment", ENVIRONMENT)],
            answers={
                200: ok(
                    "Up to 1,000 places that have probes.",
                    places=listed(shown({"service": SERVICE, "environment": ENVIRONMENT, **_HEALTH}, name="Health")),
                )
            },
        ),
        Operation(
            "probes",
            "GET",
            "/health/probes",
            "List probes",
            needs="probe.read",
            parameters=[
                query("service", SERVICE),
                query("environment", ENVIRONMENT),
                query("blueprint", text("service")),
                query("entity", text("checkout")),
                query("state", choice(State.values, "The verdict.", example="down")),
            ],
            answers={200: ok("Up to 1,000.", probes=listed(PROBE))},
        ),
        Operation(
            "probe_create",
            "POST",
            "/health/probes",
            "Make a probe",
            about="Of a service in an environment, or of any entity. Its owners may.",
            needs="probe.write",
            body=sent({**_PLACE, **_WISHES}, name="ProbeWish"),
            answers={
                201: ok(
                    "The probe.",
                    probe=PROBE,
                    address=null(
                        text(
                            "https://portal.example.org/v1/health/heartbeats/pch_4f", "Of a heartbeat; told this once."
                        )
                    ).like(None),
                ),
                404: UNKNOWN,
                409: TAKEN,
            },
        ),
        Operation(
            "probe",
            "GET",
            "/health/probes/{public_id}",
            "One probe",
            needs="probe.read",
            parameters=[ID],
            answers={200: ok("The probe.", probe=PROBE), 404: NO_PROBE},
        ),
        Operation(
            "probe_update",
            "PATCH",
            "/health/probes/{public_id}",
            "Change a probe",
            about="What is left out stays; its place and kind stay in any case. With another spec it begins anew.",
            needs="probe.read probe.write",
            parameters=[ID],
            body=sent(_WISHES, name="ProbeChange"),
            answers={200: ok("The probe.", probe=PROBE), 404: NO_PROBE, 409: TAKEN},
        ),
        Operation(
            "probe_delete",
            "DELETE",
            "/health/probes/{public_id}",
            "Delete a probe",
            about="Its readings and flips go with it.",
            needs="probe.read probe.write",
            parameters=[ID],
            answers={200: ok("It is gone."), 404: NO_PROBE, 409: TAKEN},
        ),
        Operation(
            "probe_rekey",
            "POST",
            "/health/probes/{public_id}/address",
            "Give a heartbeat another address",
            about="The one that senders know is gone at once.",
            needs="probe.read probe.write",
            parameters=[ID],
            answers={
                200: ok("Told this once.", address=text("https://portal.example.org/v1/health/heartbeats/pch_4f")),
                404: NO_PROBE,
                409: fault(
                    "no_heartbeat",
                    "probe_deleted",
                    about="It is no heartbeat.",
                    message="Only a heartbeat has an address.",
                ),
            },
        ),
        Operation(
            "probe_readings",
            "GET",
            "/health/probes/{public_id}/readings",
            "What a probe found",
            about="The last hour, when nothing else is said; no more than a week is kept.",
            needs="probe.read",
            parameters=[ID, *_SPAN],
            answers={200: ok("Up to 1,000, the oldest first.", readings=listed(READING)), 404: NO_PROBE},
        ),
        Operation(
            "probe_uptime",
            "GET",
            "/health/probes/{public_id}/uptime",
            "How long it was up, and how fast",
            about="The last week, when nothing else is said. Time of which nothing is known counts apart.",
            needs="probe.read",
            parameters=[ID, *_SPAN],
            answers={
                200: ok(
                    "The figures.",
                    since=instant(),
                    until=instant(),
                    uptime=null(number(0.9995, "From 0 to 1, of the time of which something is known.")),
                    known=null(number(0.98, "From 0 to 1: of how much of the time that is.")),
                    readings=whole(20160),
                    ms=shown({name: null(whole(120)) for name in ("p50", "p95", "p99")}),
                ),
                404: NO_PROBE,
            },
        ),
        Operation(
            "flips",
            "GET",
            "/health/flips",
            "Changes of states",
            about="Of the last week, when nothing else is said.",
            needs="probe.read",
            parameters=[query("probe", text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f70a", "Of this one alone.")), *_SPAN],
            answers={200: ok("Up to 1,000, the newest first.", flips=listed(FLIP)), 404: NO_PROBE},
        ),
        Operation(
            "readings_report",
            "POST",
            "/health/readings",
            "Tell what was found elsewhere",
            about="Readings, an event of CloudWatch Synthetics as EventBridge sends it, or a webhook of Checkly. They may come "
            "late, twice and in any order.",
            needs="reading.report",
            body=anything(_FLAT.example),
            answers={
                200: ok(
                    "What became of each: kept, known (it came before), old (more than a week), or unknown (no such probe).",
                    results=listed(
                        shown(
                            {
                                "status": choice(["kept", "known", "old", "unknown"]),
                                "probe": null(text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f70a")),
                            }
                        )
                    ),
                )
            },
        ),
        Operation(
            "heartbeat_take",
            "POST",
            "/health/heartbeats/{token}",
            "Give a sign of life",
            about="Whoever knows the address may. The body is not read.",
            needs=None,
            parameters=[
                in_path(
                    "token", text("pch_AbcDefGhJkMnPqRsTuVwXyZ234567890AbcDefGh", "The heartbeat's own.", minLength=1)
                ),
                query("outcome", choice(["ok", "degraded", "failed"])),
                query("reason", text("the dump was empty")),
                query("key", text("run-17", "What has the same key counts once.", maxLength=190)),
            ],
            answers={
                200: ok(
                    "Not kept while it is paused, when it came before, and more than once a second.", kept=flag(True)
                ),
                404: missing("heartbeat", "There is no heartbeat at this address."),
            },
        ),
        Operation(
            "maintenance",
            "GET",
            "/health/maintenance",
            "List maintenance",
            needs="probe.read",
            answers={200: ok("What is on or still to come, up to 1,000.", maintenance=listed(WINDOW))},
        ),
        Operation(
            "maintenance_begin",
            "POST",
            "/health/maintenance",
            "Begin maintenance",
            about="Probes go on, and nobody is alerted; what is still bad at its end is told then. Of a probe; of a service, an "
            "environment or the one in the other; or, for administrators, of everything.",
            needs="maintenance.write",
            body=sent(
                {
                    "reason": text("a new database", minLength=1, maxLength=1000),
                    "service": null(SERVICE),
                    "environment": null(ENVIRONMENT),
                    "probe": null(text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f70a")).like(None),
                    "everything": flag(False),
                    "starts_at": null(instant("Now, when left out.")).like(None),
                    "ends_at": null(instant("Or `duration`.")).like(None),
                    "duration": null(text("1h")),
                },
                needed="reason",
                name="MaintenanceWish",
            ),
            answers={201: ok("The maintenance.", maintenance=WINDOW), 404: UNKNOWN},
        ),
        Operation(
            "maintenance_end",
            "DELETE",
            "/health/maintenance/{public_id}",
            "End maintenance",
            needs="probe.read maintenance.write",
            parameters=[ID],
            answers={200: ok("The maintenance, ended.", maintenance=WINDOW), 404: missing("maintenance")},
        ),
    ],
)
