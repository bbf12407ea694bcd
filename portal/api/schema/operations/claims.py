from locks.models import Claim
from portal.api.claims import STATES
from portal.api.schema.answers import fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.operations.locks import (
    ASKED,
    CLAIM,
    DENIED_OR_WAIT,
    ENVIRONMENT,
    SERVICE,
    STOPPED,
    TICKET,
    UNKNOWN,
)
from portal.api.schema.parameters import in_path, query
from portal.api.schema.shapes import choice, flag, instant, listed, null, sent, shown, text, whole

CI = sent(
    {
        "provider": null(text("github")),
        "run": text("42"),
        "attempt": null(whole(1)),
        "url": null(text("https://ci.example/runs/42")),
    },
    needed="run",
    name="CIRun",
    about="Two requests with the same provider, run and attempt are the same run, asking again.",
)
WISH = {
    "service": SERVICE,
    "environment": ENVIRONMENT,
    "ci": CI,
    "intent": null(choice(["deploy", "rollback"])),
    "commit": null(text("4f2a9c1")),
    "version": null(text("2.14.0")),
}
_LEASE = null(whole(60, "Seconds, from 1 to 600: how long a silence means that its holder is dead."))
_OVERRIDE = null(text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f710", "An override's id.")).like(None)
CLAIM_ID = in_path("public_id", text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f711", "The claim's id.", minLength=1))
TICKET_ID = in_path("public_id", text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f712", "The ticket's id.", minLength=1))
NO_CLAIM = missing("claim", "There is no such claim.")
NO_TICKET = missing("ticket", "There is no such ticket.")
LOST = fault(
    "lease_lost",
    "old_fence",
    "not_yours",
    "already_finished",
    about="Stop deploying: the lease is gone, or this is another's.",
    message="The claim of checkout in production is lost: its lease ran out. Stop deploying; another may have begun.",
)
TAKEN = fault("not_yours", about="The run is another's.", message="Dana waits in the name of this run already.")
LINE = shown(
    {
        **TICKET,
        "ready": flag(False, "It may begin: POST /claims with the same run."),
        "position": whole(2, "1 is next; 0: it waits no more."),
        "deploying": null(CLAIM),
        "starts_at": null(instant("About when its turn comes; null when nobody can tell.")),
        "ask_again": whole(5, "Seconds until asking again is worth it. Who is silent for a lease is taken out."),
        "decision": DENIED_OR_WAIT,
    },
    name="Line",
)

GROUP = Group(
    "Claims and the waiting line",
    "One deployment at a time for each service and environment; who comes first goes first.",
    [
        Operation(
            "claims",
            "GET",
            "/claims",
            "List claims",
            needs="lock.read",
            parameters=[query("state", choice(STATES)), query("service", SERVICE), query("environment", ENVIRONMENT)],
            answers={200: ok("Up to 1,000, newest first.", claims=listed(CLAIM)), 404: UNKNOWN},
        ),
        Operation(
            "claim_begin",
            "POST",
            "/claims",
            "Begin to deploy",
            about="The gate is asked, and nobody else may be deploying or have waited for longer. "
            "Then give signs of life until you finish; hand `fence` to a target that can refuse an older one.",
            needs="claim.hold",
            body=sent(
                {**WISH, "lease": _LEASE, "override": _OVERRIDE}, needed="service environment ci", name="ClaimWish"
            ),
            answers={
                200: ok("The claim that this run has already.", claim=CLAIM, asked=ASKED),
                201: ok("The claim.", claim=CLAIM, asked=ASKED),
                404: UNKNOWN,
                409: TAKEN,
                423: STOPPED,
            },
        ),
        Operation(
            "claim",
            "GET",
            "/claims/{public_id}",
            "One claim",
            needs="lock.read",
            parameters=[CLAIM_ID],
            answers={200: ok("The claim.", claim=CLAIM), 404: NO_CLAIM},
        ),
        Operation(
            "claim_revoke",
            "DELETE",
            "/claims/{public_id}",
            "Stop a deployment",
            about="Its next sign of life is refused. The pair stays taken until its lease ends.",
            needs="lock.read claim.revoke",
            parameters=[CLAIM_ID],
            answers={200: ok("The claim.", claim=CLAIM), 404: NO_CLAIM},
        ),
        Operation(
            "claim_heartbeat",
            "POST",
            "/claims/{public_id}/heartbeat",
            "Give a sign of life",
            needs="claim.hold lock.read",
            parameters=[CLAIM_ID],
            body=sent({"fence": whole(17)}, needed="fence"),
            answers={200: ok("The claim, good for another lease.", claim=CLAIM), 404: NO_CLAIM, 409: LOST},
        ),
        Operation(
            "claim_finish",
            "POST",
            "/claims/{public_id}/finish",
            "Finish deploying",
            about="Twice is the same as once.",
            needs="claim.hold lock.read",
            parameters=[CLAIM_ID],
            body=sent({"fence": whole(17), "outcome": choice(Claim.REPORTED)}, needed="fence"),
            answers={200: ok("The claim, ended.", claim=CLAIM), 404: NO_CLAIM, 409: LOST},
        ),
        Operation(
            "tickets",
            "GET",
            "/tickets",
            "List who waits",
            needs="lock.read",
            parameters=[query("service", SERVICE), query("environment", ENVIRONMENT)],
            answers={
                200: ok("Up to 1,000, in order of arrival.", tickets=listed(shown(TICKET, name="Ticket"))),
                404: UNKNOWN,
            },
        ),
        Operation(
            "ticket_join",
            "POST",
            "/tickets",
            "Wait in line",
            about="Send it again each few seconds: that says that you still wait, and the answer says where you stand.",
            needs="claim.hold",
            body=sent({**WISH, "lease": _LEASE}, needed="service environment ci", name="TicketWish"),
            answers={
                200: ok("Where the run stands.", ticket=LINE, asked=ASKED),
                201: ok("Where the run stands, now that it has come.", ticket=LINE, asked=ASKED),
                404: UNKNOWN,
                409: TAKEN,
            },
        ),
        Operation(
            "ticket",
            "GET",
            "/tickets/{public_id}",
            "One ticket",
            about="Reading is no sign of life.",
            needs="lock.read",
            parameters=[TICKET_ID],
            answers={200: ok("Where it stands.", ticket=LINE), 404: NO_TICKET},
        ),
        Operation(
            "ticket_withdraw",
            "DELETE",
            "/tickets/{public_id}",
            "Leave the line",
            needs="lock.read claim.hold",
            parameters=[TICKET_ID],
            answers={200: ok("The ticket, ended.", ticket=shown(TICKET, name="Ticket")), 404: NO_TICKET, 409: TAKEN},
        ),
    ],
)
