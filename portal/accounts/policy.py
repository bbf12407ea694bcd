"""Who may do what. Every door ends here, because every command starts with `require`."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from portal.kit.by import Actor, By
from portal.kit.errors import Refused


@dataclass(frozen=True)
class Rule:
    """`scope`: what a credential needs. `people`: which persons may, admins aside.

    `own`: a credential may only touch what it holds itself. `in_person`: no program may, whatever its scopes.
    """

    scope: str
    people: Literal["members", "owners", "moderators", "admins"]
    deed: str
    own: bool = False
    in_person: bool = False


RULES = {
    "catalog.read": Rule("catalog:read", "members", "read the catalog"),
    "entity.write": Rule("catalog:write", "members", "write entities"),  # which ones, the blueprint's grants say
    "blueprint.write": Rule("catalog:write", "moderators", "change this blueprint"),
    "scorecard.write": Rule("catalog:write", "moderators", "change scorecards of this blueprint"),
    "view.keep": Rule("catalog:read", "members", "keep views"),
    "view.share": Rule("catalog:write", "moderators", "share views with everybody"),
    "webhook.write": Rule("catalog:write", "admins", "read and change webhooks"),
    "integration.read": Rule("catalog:read", "members", "read integrations"),
    "integration.write": Rule("catalog:write", "admins", "change integrations"),
    "integration.report": Rule("catalog:write", "admins", "tell of a resync"),
    "removal.decide": Rule("admin", "admins", "decide what an integration may delete", in_person=True),
    "deployment.report": Rule("report", "members", "report deployments"),
    "inbox.resolve": Rule("admin", "admins", "place reports of the inbox"),
    "source.write": Rule("admin", "admins", "change log sources"),
    "ingest.read": Rule("catalog:read", "members", "read the ingest log"),
    "ingest.replay": Rule("admin", "admins", "replay what came"),
    "hook.write": Rule("admin", "admins", "change hooks"),
    "gate.ask": Rule("gate", "members", "ask the gate"),
    "lock.read": Rule("gate", "members", "read locks"),
    "lock.take": Rule("lock", "members", "take locks"),
    "lock.release": Rule("lock", "owners", "release this lock", own=True),
    "lock.extend": Rule("lock", "owners", "extend this lock", own=True),
    "lock.steal": Rule("lock", "members", "take this lock from its holder", own=True),
    "freeze.write": Rule("lock", "owners", "make and change freezes here", own=True),
    "lock_rule.write": Rule("admin", "admins", "change rules that lock by themselves"),
    "probe.read": Rule("catalog:read", "members", "read probes"),
    "probe.write": Rule("catalog:write", "owners", "make and change probes here"),
    "reading.report": Rule("report", "members", "report readings"),
    "maintenance.write": Rule("report", "owners", "begin and end maintenance here"),
    "maintenance.everything": Rule("admin", "admins", "begin and end maintenance of everything"),
    "feed.keep": Rule("admin", "members", "keep an address for a calendar"),
    "environment.read": Rule("catalog:read", "members", "see environments"),
    "environment.request": Rule("environment", "members", "ask for environments"),
    "environment.change": Rule("environment", "owners", "change this environment", own=True),
    "environment_template.write": Rule("admin", "admins", "change templates of environments"),
    "sweep.read": Rule("catalog:read", "members", "see sweeps"),
    # Many go at once: somebody has to have looked.
    "sweep.release": Rule("admin", "admins", "let a sweep go on", in_person=True),
    "action.read": Rule("catalog:read", "members", "see actions and their runs"),
    "action.write": Rule("catalog:write", "moderators", "change this action"),
    "action.run": Rule("catalog:write", "members", "run actions"),
    "action.run_as": Rule("admin", "admins", "run actions in the name of others"),
    "run.report": Rule("report", "owners", "report on this run"),
    "run.approve": Rule("admin", "members", "approve runs"),
    "run.fetch": Rule("catalog:write", "admins", "fetch runs to do their work"),
    "page.read": Rule("catalog:read", "members", "see pages"),
    "page.write": Rule("catalog:write", "admins", "change pages"),
    "claim.hold": Rule("gate", "members", "deploy and wait in line"),
    "claim.revoke": Rule("lock", "owners", "stop this deployment", own=True),
    "override.ask": Rule("admin", "owners", "break glass here"),
    # A second person is asked for: a token that anybody holds is none.
    "override.approve": Rule("admin", "owners", "approve this override", in_person=True),
    "override.withdraw": Rule("admin", "owners", "withdraw this override"),
    "code.issue": Rule("admin", "owners", "issue break-glass codes for this environment"),
    "limits.write": Rule("admin", "admins", "change the limits of a tier"),
    "route.read": Rule("catalog:read", "members", "see who is told of what"),
    "route.write": Rule("admin", "admins", "change who is told of what"),
    "audit.read": Rule("admin", "members", "read the audit log"),
    "account.write": Rule("admin", "admins", "change accounts"),
}


def allows(actor: Actor, verb: str, *, holder: str = "", teams: Collection[str] = (), blueprint: str = "") -> bool:
    """Whether `actor` may do `verb` to something held by the actor with key `holder` and owned by `teams`."""
    rule = RULES[verb]
    if rule.in_person and not actor.in_person:
        return False
    if actor.is_admin:
        return True
    mine = bool(holder) and holder == actor.key
    if actor.is_bound and rule.scope not in actor.scopes:
        return False
    if actor.kind == "credential":
        return mine or not rule.own
    if rule.people == "members" or mine:
        return True
    if blueprint and blueprint in actor.moderates:
        return True
    return rule.people == "owners" and not actor.teams.isdisjoint(teams)


def require(by: By, verb: str, *, holder: str = "", teams: Collection[str] = (), blueprint: str = "") -> None:
    """Raises Refused, with a sentence that names what is missing, unless `allows`."""
    if allows(by.actor, verb, holder=holder, teams=teams, blueprint=blueprint):
        return
    rule = RULES[verb]
    if rule.in_person and not by.actor.in_person:
        raise Refused(f"{by.actor.name} may not {rule.deed}: a person has to, signed in or by a token of their own.")
    if by.actor.is_bound and rule.scope not in by.actor.scopes:
        raise Refused(
            f"The credential “{by.actor.token or by.actor.name}” may not {rule.deed}: it lacks the scope “{rule.scope}”.",
            scope=rule.scope,
        )
    owners = f", its owners ({', '.join(sorted(teams))})" if teams else ""
    may = {
        "members": "its holder and people may",
        "owners": f"its holder{owners} and administrators may",
        "moderators": "moderators of the blueprint and administrators may",
        "admins": "administrators may",
    }[rule.people]
    raise Refused(f"{by.actor.name} may not {rule.deed}: {may}.")
