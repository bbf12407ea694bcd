"""What a rule that locks by itself asks for, parsed once with every fault at once, and what it makes of health."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from catalog.builtin import TIERS
from catalog.queries import Place
from locks.models import Effect, LockRule
from locks.signs import Sign
from portal.kit.clock import duration
from portal.kit.errors import Invalid

Json = dict[str, Any]

COLUMNS = (
    "name", "on", "tiers", "teams", "services", "environments", "scope", "effect", "lets_rollbacks",
    "healthy_for", "at_most", "reason", "dry_run", "enabled",
)  # fmt: skip
REASON = "{service} in {environment} is not well: {reason}"
WORDS = ("service", "environment", "tier", "version", "commit", "probe", "reason")
WORD = re.compile(r"\{([^{}]*)\}")
USUAL: Json = {
    "tiers": [],
    "teams": [],
    "services": [],
    "environments": [],
    "scope": "pair",
    "effect": Effect.BLOCK,
    "lets_rollbacks": True,
    "healthy_for": timedelta(minutes=10),
    "at_most": timedelta(hours=2),
    "reason": REASON,
    "dry_run": True,
    "enabled": True,
}
LONGEST = {"healthy_for": timedelta(days=1), "at_most": timedelta(days=14)}
MOST = 100  # names in a list
SAME = timedelta(minutes=1)  # what fails again so soon is the same failure
SHORTEST_REASON, LONGEST_REASON = 10, 1000


@dataclass(frozen=True)
class RuleWish:
    """The columns of a LockRule, checked."""

    columns: Json


def parse(body: Json, *, base: LockRule | None = None) -> RuleWish:
    """Reads `{"name", "on", "tiers", "teams", "services", "environments", "scope", "effect", "lets_rollbacks",
    "healthy_for", "at_most", "reason", "dry_run", "enabled"}`. With `base` only what is given changes. Raises Invalid."""
    columns: Json = {name: getattr(base, name) for name in COLUMNS} if base else dict(USUAL)
    # A misspelt “services” would be a rule for everywhere.
    faults = [{"path": name, "message": "is no field of a rule"} for name in sorted(body.keys() - set(COLUMNS))]
    for name in COLUMNS:
        if name in body:
            try:
                columns[name] = _READERS[name](name, body[name])
            except Invalid as wrong:
                faults += wrong.details["errors"]
    wrong_already = {each["path"] for each in faults}
    needed = {"name": "give it a name", "on": "say what it acts upon", "reason": "say why: it is what everybody reads"}
    for name, words in needed.items():
        if not columns.get(name) and name not in wrong_already:
            faults.append({"path": name, "message": words})
    if faults:
        raise Invalid.of(faults)
    return RuleWish(columns)


def fires(rule: LockRule, sign: Sign) -> bool:
    """Whether the rule acts upon what happened, wherever it did."""
    if sign.is_verdict:
        return LockRule.On.VERDICT in rule.on and sign.state == "failed"
    if sign.muted:
        return False
    if sign.state == "down":
        return LockRule.On.FAILING in rule.on or LockRule.On.DOWN in rule.on
    return sign.state == "failing" and LockRule.On.FAILING in rule.on


def reaches(rule: LockRule, place: Place) -> bool:
    return (
        (not rule.tiers or place.tier in rule.tiers)
        and (not rule.services or place.service in rule.services)
        and (not rule.environments or place.environment in rule.environments)
        and (not rule.teams or not set(rule.teams).isdisjoint(place.service_teams))
    )


def reason_of(rule: LockRule, place: Place, sign: Sign) -> str:
    """The rule's sentence with its words filled in. Nothing in it is run, and what is filled in is not read again."""
    words = {
        "service": place.service,
        "environment": place.environment,
        "tier": place.tier,
        "version": sign.version or "an unknown version",
        "commit": sign.commit[:7] or "an unknown commit",
        "probe": sign.probe_name or "its probes",
        "reason": sign.reason or "no reason was given",
    }
    text = WORD.sub(lambda found: words.get(found[1], found[0]), rule.reason)
    if len(text) < SHORTEST_REASON:
        text = f"{text} ({place.service} in {place.environment})"
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 1] + "…"


def _name(path: str, value: Any) -> str:
    return _text(path, value, 100)


def _reason(path: str, value: Any) -> str:
    text = _text(path, value, 500)
    strange = [each for each in WORD.findall(text) if each not in WORDS]
    if strange:
        known = ", ".join(f"{{{each}}}" for each in WORDS)
        raise Invalid.at(path, f"does not know {{{strange[0]}}}; it knows {known}")
    return text


def _text(path: str, value: Any, longest: int) -> str:
    if not isinstance(value, str):
        raise Invalid.at(path, "must be a text")
    if "\0" in value or any("\ud800" <= each <= "\udfff" for each in value):
        raise Invalid.at(path, "holds a character that no text can hold")
    if len(value) > longest:
        raise Invalid.at(path, f"is {len(value)} characters long; {longest} are allowed")
    return value.strip()


def _on(path: str, value: Any) -> list[str]:
    return _list(path, value, LockRule.On.values)


def _tiers(path: str, value: Any) -> list[str]:
    return _list(path, value, list(TIERS))


def _list(path: str, value: Any, known: list[str]) -> list[str]:
    if not isinstance(value, list) or any(each not in known for each in value):
        raise Invalid.at(path, f"must be a list of {', '.join(known)}")
    return [each for each in known if each in value]


def _names(path: str, value: Any) -> list[str]:
    """Of services, environments or teams; one that is not there yet may come."""
    if not isinstance(value, list):
        raise Invalid.at(path, "must be a list of names")
    names = sorted({_text(path, each, 1000) for each in value} - {""})
    if len(names) > MOST:
        raise Invalid.at(path, f"holds {len(names)} names; {MOST} are allowed")
    return names


def _scope(path: str, value: Any) -> str:
    return _choice(path, value, [str(each) for each in LockRule.SCOPES])


def _effect(path: str, value: Any) -> str:
    return _choice(path, value, Effect.values)


def _choice(path: str, value: Any, known: list[str]) -> str:
    if value not in known:
        raise Invalid.at(path, f"must be one of {', '.join(known)}")
    return str(value)


def _yes_or_no(path: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Invalid.at(path, "must be true or false")
    return value


def _length(path: str, value: Any) -> timedelta:
    """`10m`, or a length of time itself."""
    length = value if isinstance(value, timedelta) else duration(value, path)
    if not timedelta() < length <= LONGEST[path]:
        raise Invalid.at(path, f"must be more than nothing, and {LONGEST[path].days} d at most")
    return length


_READERS = {
    "name": _name,
    "on": _on,
    "tiers": _tiers,
    "teams": _names,
    "services": _names,
    "environments": _names,
    "scope": _scope,
    "effect": _effect,
    "lets_rollbacks": _yes_or_no,
    "healthy_for": _length,
    "at_most": _length,
    "reason": _reason,
    "dry_run": _yes_or_no,
    "enabled": _yes_or_no,
}
