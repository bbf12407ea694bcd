from deployments.environments.models import Environment, State, Step
from portal.api.environments import STATES
from portal.api.schema.answers import fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.parameters import in_path, query
from portal.api.schema.shapes import choice, flag, free, instant, listed, null, sent, shown, text, whole

_ID = "019a2b3c-4d5e-7f80-91a2-b3c4d5e6f720"
ID = in_path("public_id", text(_ID, "The environment's id; it stays that of its tombstone.", minLength=1))
NONE = missing("environment", "There is no environment with this id.")
TTL = text("8h", "A length of time such as 90m, 8h or 2d, from now on.")
REASON = text("the customer's demo is on Friday", maxLength=2000)
_NAMES = {
    "template": text("preview", "A template's identifier."),
    "owner": null(text("dana@example.org", "An address; a person who asks is the owner.")),
    "team": null(text("payments")),
    "reason": null(text("PR 42, the new checkout")),
    "pr_url": null(text("https://github.example/shop/cart/pull/42", "When it closes, the environment goes.")),
}
_STEP = {
    "key": text(f"{_ID}.provision.1.1", "The same in every try."),
    "phase": text("provision", "provision, sleep, wake, teardown or verify."),
    "name": text("data"),
    "state": choice(Step.State.values, example="done"),
    "attempt": whole(1),
    "started_at": null(instant()),
    "finished_at": null(instant()),
    "output": null(text("made 3 rows", "Its last 16 KiB.")),
    "error": null(text("It answered 500: out of order")).like(None),
}
_FIELDS = {
    "id": text(_ID, format="uuid"),
    "name": text("preview-a1b2c3", "The catalog's environment is called so."),
    "template": _NAMES["template"],
    "state": choice(State.values, example="ready"),
    "phase": null(choice(Environment.Phase.values, "What its provider is asked for now.")).like(None),
    "owner": _NAMES["owner"],
    "team": _NAMES["team"],
    "requested_by": null(text("Dana")),
    "reason": _NAMES["reason"],
    "pr_url": _NAMES["pr_url"],
    "inputs": free({"branch": "new-checkout"}),
    "address": null(text("https://preview-a1b2c3.example.org/")),
    "resources": listed(free({"kind": "namespace", "id": "preview-a1b2c3"}), "As its provider tells."),
    "requested_at": instant(),
    "ready_at": null(instant()),
    "expires_at": instant("When it ends unless it is pinned or extended.", "2026-02-03T23:40:00.000Z"),
    "pinned_until": null(instant()).like(None),
    "ends_at": instant("The later of both, and never after `hard_until`.", "2026-02-03T23:40:00.000Z"),
    "hard_until": instant("Nothing keeps it longer.", "2026-03-05T15:40:00.000Z"),
    "held_by": null(text("Dana holds a lock: debugging", "Why it is there although its end has passed.")).like(None),
    "cost": null(text("1.20", "So far.")),
    "currency": text("USD", "Of its cost; the portal has one."),
    "attempt": whole(0, "Failed tries of the step that is due."),
    "last_error": null(text("It answered 500: out of order")).like(None),
    "next_try_at": null(instant()).like(None),
    "torn_down_at": null(instant("Its provider said twice that nothing is left.")).like(None),
    "cause": null(choice(Environment.Cause.values, "Why it is torn down.")).like(None),
    "url": text(f"https://portal.example.org/environments/{_ID}", "Its page."),
}
ENVIRONMENT = shown(_FIELDS, name="Environment")
WHOLE = shown({**_FIELDS, "steps": listed(shown(_STEP, name="EnvironmentStep"))}, name="EnvironmentWithSteps")
TEMPLATE = shown(
    {
        "identifier": text("preview"),
        "title": text("Preview of a pull request"),
        "description": null(text("The shop with a copy of the test data.")),
        "inputs": free({"properties": {"branch": {"type": "string"}}, "required": ["branch"]}),
        "default_ttl_seconds": whole(28800),
        "greatest_ttl_seconds": whole(259200, "Of one stretch."),
        "soft_cap_seconds": whole(604800, "Of the whole life: beyond it an extension needs a reason."),
        "hard_cap_seconds": whole(2592000, "Of the whole life."),
        "can_sleep": flag(True),
        "cost_per_hour": null(text("0.1500")),
        "currency": text("USD", "Of the price; the portal has one."),
    },
    name="EnvironmentTemplate",
)
OVER = fault(
    "torn_down", "tearing_down", "not_longer", "hard_cap", "orphan_suspected", about="It lives no longer.",
    message="preview-a1b2c3 is being torn down. It can be made anew afterwards.",
)  # fmt: skip
NOT_NOW = fault("not_now", "no_sleep", about="Not in this state.", message="preview-a1b2c3 is asleep: try again later.")


def _deed(name: str, path: str, summary: str, about: str) -> Operation:
    return Operation(
        f"environment_{name}",
        "POST",
        f"/environments/{{public_id}}/{path}",
        summary,
        about=about,
        needs="environment.request environment.read",
        parameters=[ID],
        answers={200: ok("The environment.", environment=ENVIRONMENT), 404: NONE, 409: NOT_NOW},
    )


GROUP = Group(
    "Environments",
    "Environments with a time to live, that tear themselves down. A program changes those that it has asked for.",
    [
        Operation(
            "environments",
            "GET",
            "/environments",
            "List environments",
            needs="environment.read",
            parameters=[
                query("state", choice(STATES, "Living, when left out; `expiring` stands in the order of ends.")),
                query("template", _NAMES["template"]),
                query("owner", text("dana@example.org")),
                query("team", text("payments")),
                query("q", text("checkout", "A part of the name, the reason or the owner's name.")),
            ],
            answers={200: ok("Up to 1,000, the newest first.", environments=listed(ENVIRONMENT))},
        ),
        Operation(
            "environment_request",
            "POST",
            "/environments",
            "Ask for an environment",
            about="Its time runs from now on. It is made in the background: ask for it until its state is `ready`.",
            needs="environment.request environment.read",
            body=sent(
                {
                    "template": _NAMES["template"],
                    "name": null(text("preview-42", "One is made, when left out.", maxLength=200)),
                    "ttl": null(TTL),
                    "owner": _NAMES["owner"],
                    "fallback_owner": null(text("omar@example.org", "Who is told when the owner has left.")),
                    "team": _NAMES["team"],
                    "inputs": free({"branch": "new-checkout"}, "As the template declares them."),
                    "reason": null(REASON),
                    "pr_url": _NAMES["pr_url"],
                },
                needed="template",
                name="EnvironmentWish",
            ),
            answers={
                201: ok("The environment.", environment=ENVIRONMENT),
                404: missing("template", "There is no template called “preview”."),
                409: fault(
                    "identifier_taken",
                    "too_many",
                    "template_off",
                    about="The name is taken, or there are too many.",
                    message="There is an environment called “preview-42” already.",
                ),
            },
        ),  # fmt: skip
        Operation(
            "environment_templates",
            "GET",
            "/environments/templates",
            "What can be asked for",
            needs="environment.read",
            answers={200: ok("Those that are switched on.", templates=listed(TEMPLATE))},
        ),
        Operation(
            "environment",
            "GET",
            "/environments/{public_id}",
            "One environment, with its steps",
            needs="environment.read",
            parameters=[ID],
            answers={200: ok("The environment, or its tombstone.", environment=WHOLE), 404: NONE},
        ),
        Operation(
            "environment_teardown",
            "DELETE",
            "/environments/{public_id}",
            "Tear an environment down",
            about="Answered at once; it is `torn_down` when its provider has said twice that nothing is left.",
            needs="environment.request environment.read",
            parameters=[ID, query("reason", REASON)],
            answers={
                200: ok("The environment.", environment=WHOLE),
                404: NONE,
                409: fault(
                    "locked_environment",
                    about="Somebody holds a lock on it.",
                    message="Dana holds a lock on preview-42: debugging. Release it first.",
                    details={"lock": "019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708"},
                ),
            },
        ),  # fmt: skip
        Operation(
            "environment_extend",
            "POST",
            "/environments/{public_id}/extension",
            "Extend an environment",
            about="From now on, at most to its hard cap; beyond the soft cap with a reason. One that is expiring is saved by it.",
            needs="environment.request environment.read",
            parameters=[ID],
            body=sent({"ttl": null(TTL), "reason": null(REASON)}, name="EnvironmentExtension"),
            answers={200: ok("The environment.", environment=ENVIRONMENT), 404: NONE, 409: OVER},
        ),
        Operation(
            "environment_pin",
            "POST",
            "/environments/{public_id}/pin",
            "Pin an environment",
            about="It stays until then whatever its time says.",
            needs="environment.request environment.read",
            parameters=[ID],
            body=sent(
                {"until": instant(example="2026-02-10T12:00:00.000Z"), "reason": REASON},
                needed="until reason",
                name="EnvironmentPin",
            ),
            answers={200: ok("The environment.", environment=ENVIRONMENT), 404: NONE, 409: OVER},
        ),
        Operation(
            "environment_unpin",
            "DELETE",
            "/environments/{public_id}/pin",
            "Take the pin out",
            needs="environment.request environment.read",
            parameters=[ID],
            answers={200: ok("The environment.", environment=ENVIRONMENT), 404: NONE},
        ),
        _deed("sleep", "sleep", "Put an environment to sleep", "What sleeps costs nothing, and its time runs on."),
        _deed("wake", "wake", "Wake an environment", "It is ready when its provider has woken it."),
        _deed("retry", "retry", "Provision once more", "One that could not be provisioned, on the same clock."),
        Operation(
            "environment_recreate",
            "POST",
            "/environments/{public_id}/recreation",
            "Make it anew",
            about="Another one of the same template, name and inputs as one that is gone.",
            needs="environment.request environment.read",
            parameters=[ID],
            answers={
                201: ok("The new environment.", environment=ENVIRONMENT),
                404: NONE,
                409: fault(
                    "living_environment",
                    "identifier_taken",
                    "too_many",
                    "template_off",
                    about="The old one lives, or its name is taken.",
                    message="preview-42 is still here: ready.",
                ),
            },
        ),  # fmt: skip
        Operation(
            "environment_step",
            "POST",
            "/environments/{public_id}/steps/{key}",
            "Say how a step went",
            about="For providers that answered 202: to the address that came with the call, with its token and fence.",
            needs=None,
            parameters=[ID, in_path("key", _STEP["key"])],
            body=sent(
                {
                    "token": text("9f86d081884c7d659a2feaa0c55ad015", "Or as `Authorization: Bearer`."),
                    "fence": whole(3),
                    "state": choice(["done", "failed", "waiting", "gone", "present"]),
                    "output": null(text("made 3 rows")),
                    "error": null(text("no room")).like(None),
                    "resources": null(listed(free({"kind": "namespace", "id": "preview-a1b2c3"}))),
                    "address": null(text("https://preview-a1b2c3.example.org/")),
                },
                needed="fence state",
                name="EnvironmentStepReport",
            ),
            answers={
                200: ok("The step; the same again is answered as it is.", step=shown(_STEP, name="EnvironmentStep")),
                403: fault(
                    "bad_token", about="Not the token of this step.", message="This is not the token of this step."
                ),
                404: missing("step", "There is no such step."),
                409: fault(
                    "fence_old", "step_over", "verify", about="It comes too late.", message="This step is over."
                ),
            },
        ),
    ],
)
