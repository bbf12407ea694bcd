from portal.actions.models import Run
from portal.actions.schema import reports
from portal.api.schema.answers import fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.operations.actions import IDENTIFIER, NO_ACTION
from portal.api.schema.parameters import in_path, query
from portal.api.schema.shapes import (
    Shape,
    anything,
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

_NAMED = {"identifier": text("restart"), "title": null(text("Restart")), "icon": null(text("Refresh"))}
_ABOUT = shown(_NAMED | {"deleted": flag(True, "It is no longer there.")}, optional="deleted")
_REQUIRED = either(flag(True), shown({"type": choice(["ANY", "ALL"])}))
_APPROVAL = shown(
    {"state": choice(["APPROVED", "DECLINED"]), "description": text("Go ahead"), "userId": text("user:1")}
)
_LINK = either(text("https://ci.example.org/1"), listed(text("https://ci.example.org/1")))
RUN = shown(
    {
        "id": text("r_8TzWpQkYvBn4Hs2M"),
        "status": choice(Run.Status.values, example="IN_PROGRESS"),
        "action": _ABOUT,
        "blueprint": _ABOUT,
        "entity": _ABOUT,
        "properties": free({"why": "It leaks"}, "Inputs, with plain defaults of those that were not given."),
        "rawProperties": free({"why": "It leaks"}, "Inputs as they were sent."),
        "source": choice(["UI", "API", "AUTOMATION"], example="API"),
        "requiredApproval": _REQUIRED,
        "approval": _APPROVAL,
        "statusLabel": text("Draining"),
        "link": _LINK,
        "summary": text("Restarted 3 of 5"),
        "message": free({"text": "Restarted"}),
        "externalRunId": text("gh-77"),
        "payload": free({"type": "WEBHOOK"}, "What a program that fetches the run is to call."),
        "event": free({"action": "UPDATE"}, "Of an automation's run: what began it, as its condition read it."),
        "response": anything({"ok": True}),
        "pendingExecution": flag(True, "It is offered to programs that fetch runs."),
        "claimedUntil": instant(),
        "installationId": text("my-github"),
        "createdBy": text("Dana"),
        "impersonatedBy": text("CI"),
        "updatedBy": text("CI"),
        "createdAt": instant(),
        "updatedAt": instant(),
        "endedAt": instant(),
    },
    optional="blueprint entity approval statusLabel link summary message externalRunId payload event response "
    "pendingExecution claimedUntil installationId impersonatedBy endedAt",
    name="Run",
    about="An action that was asked for. Unset keys are left out.",
)
LINE = shown(
    {
        "id": text("019a2b3c4d5e7f8091a2b3c4d5e6f708"),
        "runId": text("r_8TzWpQkYvBn4Hs2M"),
        "message": text("Restarted 3 of 5"),
        "createdBy": text("CI"),
        "createdAt": instant(),
    },
    name="RunLogLine",
)
APPROVER = shown(
    {
        "userId": text("user:1"),
        "name": text("Dana"),
        "state": choice(["APPROVED", "DECLINED", "PENDING"]),
        "description": null(text("Go ahead")),
    }
)
ASKED = Shape(reports.CREATION, {"properties": {"why": "It leaks"}, "entity": "checkout"}, "RunWish")
PUBLIC_ID = in_path("public_id", text("r_8TzWpQkYvBn4Hs2M", "The run's id.", minLength=1))
NAMED = in_path("action", text("restart", "The action's identifier.", minLength=1))
NO_RUN = missing("run", 'Run with identifier "r_8TzWpQkYvBn4Hs2M" was not found')
ENDED = fault(
    "run_ended",
    "invalid_request",
    about="The run has ended, or something in the request is wrong.",
    message="The run r_8TzWpQkYvBn4Hs2M has ended (SUCCESS); nothing of it changes any more.",
    details={"errors": [{"path": "status", "message": "the run has ended: SUCCESS"}]},
)
RUN_AS = query("run_as", text("dana@example.org", "In the name of this person; the scope `admin` may.", format="email"))
FILTERS = [
    query("entity", text("checkout")),
    query("blueprint", text("service")),
    query("active", flag(True, "true: in progress or waiting; false: ended.")),
    query("user_email", text("dana@example.org")),
    query("user_id", text("user:1")),
    query("limit", whole(100, minimum=1, maximum=1000)),
    query("exclude", listed(text("payload"), "Keys of a run to leave out.")),
    query("external_run_id", text("gh-77")),
    query("source", listed(choice(["UI", "API", "AUTOMATION"]))),
]
READ, ASK = "action.read", "action.read action.run"
CREATED = {202: ok("It is kept, in progress or waiting for approval.", run=RUN), 404: missing("action or entity")}

GROUP = Group(
    "Runs",
    "Actions that were asked for. Who does the work reports on it: with the id of the run, by status and log.",
    [
        Operation(
            "runs",
            "GET",
            "/actions/runs",
            "List runs",
            needs=READ,
            parameters=[query("action", text("restart")), *FILTERS],
            answers={200: ok("The newest first.", runs=listed(RUN))},
        ),
        Operation(
            "runs_of_action",
            "GET",
            "/actions/{identifier}/runs",
            "List runs of an action",
            needs=READ,
            parameters=[IDENTIFIER, *FILTERS],
            answers={200: ok("The newest first.", runs=listed(RUN)), 404: NO_ACTION},
        ),
        Operation(
            "run_create",
            "POST",
            "/actions/{identifier}/runs",
            "Ask for a run",
            about="One that writes an entity is over by then: SUCCESS, or FAILURE with the reason in its summary.",
            needs=ASK,
            parameters=[IDENTIFIER, RUN_AS],
            body=ASKED,
            answers=CREATED,
        ),
        Operation(
            "run_create_below",
            "POST",
            "/blueprints/{blueprint}/actions/{action}/runs",
            "Ask for a run, by the older address",
            needs=ASK,
            parameters=[NAMED, RUN_AS],
            body=ASKED,
            answers=CREATED,
        ),
        Operation(
            "run_create_for_entity",
            "POST",
            "/blueprints/{blueprint}/entities/{identifier}/actions/{action}/runs",
            "Ask for a run about an entity, by the older address",
            needs=ASK,
            parameters=[NAMED, RUN_AS],
            body=ASKED,
            answers=CREATED,
        ),
        Operation(
            "run",
            "GET",
            "/actions/runs/{public_id}",
            "One run",
            needs=READ,
            parameters=[PUBLIC_ID],
            answers={200: ok("As it stands.", run=RUN), 404: NO_RUN},
        ),
        Operation(
            "run_update",
            "PATCH",
            "/actions/runs/{public_id}",
            "Report on a run",
            about="Each key overwrites. SUCCESS and FAILURE end it; after that nothing changes. "
            "While it waits for approval it may only be withdrawn: FAILURE.",
            needs="run.report",
            parameters=[PUBLIC_ID],
            body=Shape(reports.PATCH, {"status": "SUCCESS", "link": "https://ci.example.org/1", "summary": "Done"}),
            answers={200: ok("As it stands.", run=RUN), 404: NO_RUN, 422: ENDED},
        ),
        Operation(
            "run_logs",
            "GET",
            "/actions/runs/{public_id}/logs",
            "Read its log",
            needs=READ,
            parameters=[
                PUBLIC_ID,
                query("limit", whole(50, minimum=1, maximum=50)),
                query("offset", whole(0, minimum=0)),
            ],
            answers={200: ok("The oldest first.", runLogs=listed(LINE)), 404: NO_RUN},
        ),
        Operation(
            "run_log",
            "POST",
            "/actions/runs/{public_id}/logs",
            "Write to its log",
            about="`terminationStatus` ends the run, once. Plain lines may still come after that.",
            needs="run.report",
            parameters=[PUBLIC_ID],
            body=Shape(reports.LOG, {"message": "Restarted 3 of 5"}),
            answers={201: ok("It is kept.", runLog=LINE), 404: NO_RUN, 422: ENDED},
        ),
        Operation(
            "run_decide",
            "PATCH",
            "/actions/runs/{public_id}/approval",
            "Approve or decline",
            needs="action.read run.approve",
            parameters=[PUBLIC_ID],
            body=Shape(reports.DECISION, {"status": "APPROVE", "description": "Go ahead"}),
            answers={
                201: ok("As it stands.", run=RUN),
                404: NO_RUN,
                409: fault(
                    "already_decided",
                    about="The one who asks has decided about it.",
                    message="Dana has decided about this run already.",
                ),
            },
        ),
        Operation(
            "run_approvers",
            "GET",
            "/actions/runs/{public_id}/approvers",
            "Who has decided",
            needs=READ,
            parameters=[
                PUBLIC_ID,
                query("include_pending_approvers", flag(True, "Also who may decide and has not.")),
            ],
            answers={200: ok("In the order in which they spoke.", approvers=listed(APPROVER)), 404: NO_RUN},
        ),
        Operation(
            "run_respond",
            "PATCH",
            "/actions/runs/{public_id}/response",
            "Keep what the program that was called answered",
            needs="run.report",
            parameters=[PUBLIC_ID],
            body=sent({"response": anything({"ok": True})}, needed="response"),
            answers={200: ok("As it stands.", run=RUN), 404: NO_RUN, 422: ENDED},
        ),
        Operation(
            "runs_claim",
            "POST",
            "/actions/runs/claim-pending",
            "Fetch runs to do their work",
            about="Those of webhooks for the agent `_PORT_EXEC_AGENT`, or of the integration `installationId`. "
            "What is not acknowledged in time is offered again.",
            needs="run.fetch",
            body=Shape(reports.CLAIM, {"installationId": "_PORT_EXEC_AGENT", "limit": 10}),
            answers={200: ok("The oldest first.", runs=listed(RUN))},
        ),
        Operation(
            "runs_acknowledge",
            "PATCH",
            "/actions/runs/ack",
            "Take runs that were fetched",
            needs="run.fetch",
            body=Shape(reports.ACKNOWLEDGEMENT, {"runIds": ["r_8TzWpQkYvBn4Hs2M"]}),
            answers={
                200: ok("So many are yours.", ackedCount=whole(1)),
                404: NO_RUN,
                409: fault(
                    "already_acknowledged",
                    about="A single `runId` that is taken.",
                    message="The run r_8TzWpQkYvBn4Hs2M is taken already.",
                ),
            },
        ),
        Operation(
            "workflows_claim",
            "POST",
            "/workflows/runs/claim-pending",
            "Fetch runs of workflows",
            about="There are no workflows; the agent asks all the same.",
            needs="run.fetch",
            answers={200: ok("None.", nodeRuns=listed(text("")).like([]))},
        ),
    ],
)
