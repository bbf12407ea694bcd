from catalog.builtin import TIERS
from locks import rules
from locks.models import Effect, LockRule
from portal.api.schema.answers import fault, missing, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.parameters import in_path, query
from portal.api.schema.shapes import Shape, choice, flag, free, instant, listed, null, sent, shown, text, whole

_ID = "019a2b3c-4d5e-7f80-91a2-b3c4d5e6f750"
ID = in_path("public_id", text(_ID, "The rule's id.", minLength=1))
NO_RULE = missing("rule", "There is no such rule. It may have been deleted.")
CHANGED = fault(
    "rule_changed",
    about="Somebody has changed it at the same moment.",
    message="Somebody has changed this rule meanwhile. Open it again and look.",
)
_ON = "`verdict`: a deployment's watch fails. `failing`: a probe fails or is down. `down`: a probe is down."
_REASON = f"Words in braces are filled in: {', '.join(rules.WORDS)}."


def _names(example: list[str], about: str) -> Shape:
    return listed(text("checkout", maxLength=1000), about, maxItems=rules.MOST).like(example)


_WORDS = {
    "name": text("Canary of production", minLength=1, maxLength=100),
    "on": listed(choice(LockRule.On.values), _ON, minItems=1),
    "tiers": listed(choice(TIERS), "None is every tier."),
    "teams": _names(["payments"], "None is every team. So with services and environments."),
    "services": _names([], "A name that is gone never widens a rule."),
    "environments": _names([], "Identifiers."),
    "scope": choice([str(each) for each in LockRule.SCOPES], "What it locks.", example="pair"),
    "effect": choice(Effect.values, example="block"),
    "lets_rollbacks": flag(True),
    "healthy_for": text("10m", "It opens once the place has been healthy for so long; a day at most."),
    "at_most": text("2h", "It opens in any case so long after it last turned bad; 14 days at most."),
    "reason": text(rules.REASON, _REASON, minLength=1, maxLength=500),
    "dry_run": flag(True, "It locks nothing: it shows what it would have locked."),
    "enabled": flag(True),
}
RULE = shown(
    {
        "id": text(_ID, format="uuid"),
        **_WORDS,
        "hidden": flag(False, "It names more services and environments, which you may not see."),
        "healthy_for_seconds": whole(600),
        "at_most_seconds": whole(7200),
        "held": whole(2, "How often it held a place in the last 30 days, where you may see."),
        "would_have_held": whole(3, "And how often it would have, in a dry run."),
        "created_at": instant(),
        "url": text(f"https://portal.example.org/locks/rules/{_ID}", "Its page."),
    },
    name="LockRule",
)
_EVIDENCE = {
    "at": instant(),
    "service": text("checkout"),
    "environment": text("production"),
    "kind": choice(["probe", "watch"]),
    "of": null(text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f70a", "The probe, or the deployment that was watched.")),
    "reason": text("front door is failing: It answered 503 where 200-299 is expected."),
    "values": free({"status": 503}, "What made it so."),
}
HOLD = shown(
    {
        "covers": text("checkout in production", "In words."),
        "dry": flag(True, "It only would have held it."),
        "lock": null(text("019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708", "The lock that it took.")).like(None),
        "reason": text("checkout in production is not well: It answered 503."),
        "is_on": flag(False),
        "began_at": instant(),
        "release_at": null(instant("It lets go then, if the place stays as well as it is.")).like(None),
        "ends_at": null(instant("It lets go then in any case.", "2026-02-03T17:40:00.000Z")),
        "ended_at": null(instant("", "2026-02-03T16:10:00.000Z")),
        "ended_because": null(text("healthy for 10 min")),
        "evidence": listed(shown(_EVIDENCE), "What it acted upon, the first thing first, where you may see."),
    },
    name="LockRuleHold",
)
_WOULD = {
    "covers": text("checkout in production", "In words."),
    "reason": text("checkout in production is not well: It answered 503."),
    "began_at": instant(),
    "ended_at": null(instant("Null: it still would be on.", "2026-02-03T16:10:00.000Z")),
    "seconds": whole(1800),
}
PREVIEW = ok(
    "What it would have locked in the last 30 days.",
    times=whole(1),
    seconds=whole(1800, "For so long in all."),
    would=listed(shown(_WOULD), "Up to 200, the newest first."),
    heard=whole(120, "On so many changes of health it was tried."),
    cut=flag(False, "There were more than 5,000: it was tried on the newest."),
    unknown=listed(text("service “chekout”"), "Names in it that nothing is called by, so far.").like([]),
)


def _change(name: str, method: str, summary: str, about: str, body: Shape) -> Operation:
    return Operation(
        name,
        method,
        "/locks/rules/{public_id}",
        summary,
        about=f"{about} Locks that it has taken stay as they are. The same again changes nothing.",
        needs="lock_rule.write",
        parameters=[ID],
        body=body,
        answers={200: ok("The rule.", rule=RULE), 404: NO_RULE} | ({409: CHANGED} if method == "PATCH" else {}),
    )


GROUP = Group(
    "Rules that lock",
    "A rule takes a lock by itself when a place's health turns bad, and releases it when it is well again.",
    [
        Operation(
            "lock_rules",
            "GET",
            "/locks/rules",
            "List rules",
            needs="lock.read",
            answers={200: ok("All, by name.", rules=listed(RULE))},
        ),
        Operation(
            "lock_rule_create",
            "POST",
            "/locks/rules",
            "Make a rule",
            about="A dry run, unless it says otherwise. A field that no rule has is refused.",
            needs="lock_rule.write",
            body=sent(_WORDS, needed="name on", name="LockRuleWish"),
            answers={201: ok("The rule.", rule=RULE)},
        ),
        Operation(
            "lock_rule_draft_preview",
            "POST",
            "/locks/rules/preview",
            "What a rule would have locked, before it is made",
            about="The health of the last 30 days is gone through again; nothing is kept.",
            needs="lock_rule.write",
            body=sent(_WORDS, needed="on", name="LockRuleDraft"),
            answers={200: PREVIEW},
        ),
        Operation(
            "lock_rule",
            "GET",
            "/locks/rules/{public_id}",
            "One rule",
            needs="lock.read",
            parameters=[ID],
            answers={200: ok("The rule.", rule=RULE), 404: NO_RULE},
        ),
        _change(
            "lock_rule_replace",
            "PUT",
            "Replace a rule",
            "What is left out is as in a new one: a dry run, too.",
            sent(_WORDS, needed="name on", name="LockRuleWish"),
        ),
        _change(
            "lock_rule_change",
            "PATCH",
            "Change a rule",
            "What is left out stays.",
            sent(_WORDS, name="LockRuleChange").like({"dry_run": False}),
        ),
        Operation(
            "lock_rule_delete",
            "DELETE",
            "/locks/rules/{public_id}",
            "Delete a rule",
            about="Its locks stay until they end.",
            needs="lock_rule.write",
            parameters=[ID],
            answers={200: ok("It is deleted."), 404: NO_RULE},
        ),
        Operation(
            "lock_rule_preview",
            "GET",
            "/locks/rules/{public_id}/preview",
            "What a rule as it is would have locked",
            about="The health of the last 30 days is gone through again; nothing is kept.",
            needs="lock_rule.write",
            parameters=[ID],
            answers={200: PREVIEW, 404: NO_RULE},
        ),
        Operation(
            "lock_rule_holds",
            "GET",
            "/locks/rules/{public_id}/holds",
            "What a rule held, and would have held",
            about="Those of a dry run hold nothing: they say what it would have locked, why, and until when.",
            needs="lock.read",
            parameters=[ID, query("mode", choice(["dry", "real"], "Only these; both, when left out."))],
            answers={200: ok("Up to 200, the newest first, where you may see.", holds=listed(HOLD)), 404: NO_RULE},
        ),
    ],
)
