"""What is typed after /portal."""

import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from django.conf import settings
from django.urls import reverse

from catalog import queries as catalog
from catalog.queries import Place
from deployments.queries import cells_of, history
from locks import queries as locks
from locks.commands import DEFAULT, Until, lock_release, lock_take
from locks.models import Lock, ScopeKind
from locks.queries import AUTOMATION
from locks.scopes import Scope, named
from portal.audit.models import Event
from portal.kit.by import By
from portal.kit.clock import database_now, duration
from portal.kit.errors import Conflict, Invalid, Missing
from portal.slackbot import buttons, lives
from portal.slackbot.blocks import actions, context, divider, escape, link, section
from portal.slackbot.forms.lock import lock_form
from portal.slackbot.inbound import Asked, Call, handles
from portal.slackbot.sights import (
    cell_text,
    decision_text,
    deployment_text,
    lock_blocks,
    lock_buttons,
    locked_blocks,
    more,
    released,
    short,
)
from portal.slackbot.waiting import turn_used

Json = dict[str, Any]
Word = Callable[[Asked, str], list[Call]]
LENGTH = re.compile(r"(\d{1,6}[mhdw]){1,9}", re.IGNORECASE)
EVERY = "*"
MOST = 15  # locks, or deployments, of one answer
UNESCAPED = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))

HELP = f"""*What /portal can do*
`/portal where SERVICE` versions and locks, environment by environment
`/portal deploys SERVICE [ENVIRONMENT]` the last deployments
`/portal check SERVICE ENVIRONMENT` may I deploy there now?
`/portal locks` mine · `/portal locks all` everybody's · `/portal locks SERVICE` those that name it
`/portal lock` a form · `/portal lock SERVICE ENVIRONMENT [2h] REASON` at once; `open` for no end, `{EVERY}` for every service or environment
`/portal unlock SERVICE ENVIRONMENT [REASON]` a reason is needed for a lock that is not yours
`/portal env` your environments that end by themselves"""


@handles("command")
def slash(asked: Asked) -> list[Call]:
    word, rest = _cut(_typed(asked))
    found = WORDS.get(word.lower() or "help")
    if found is None:
        alike = f" Did you mean `{near}`?" if (near := _nearest_word(word)) else ""
        raise Missing(f"There is no word “{word[:50]}” after {_name(asked)}.{alike} Type `{_name(asked)} help`.")
    return found(asked, rest)


def _typed(asked: Asked) -> str:
    text = str(asked.payload.get("text") or "")
    for told, meant in UNESCAPED:
        text = text.replace(told, meant)
    return text.strip()


def _name(asked: Asked) -> str:
    return str(asked.payload.get("command") or "/portal")[:40]


def _cut(text: str) -> tuple[str, str]:
    first, *rest = text.split(None, 1) or [""]
    return first, rest[0] if rest else ""


def _nearest_word(word: str) -> str:
    return next(iter(get_close_matches(word.lower()[:50], list(WORDS), n=1, cutoff=0.5)), "")


def help_(asked: Asked, rest: str) -> list[Call]:
    me = asked.who.user
    who = f"You are {escape(str(me))} ({escape(me.email)}) there." if me else escape(asked.who.why)
    text = HELP.replace("/portal", _name(asked))
    return [asked.tell(text, [section(text), context(f"{link(settings.BASE_URL, 'Portcullis')} · {who}")])]


def where(asked: Asked, rest: str) -> list[Call]:
    by = asked.who.looking(asked.trace)
    service = catalog.service_named(_need(rest, "service", "where SERVICE"), by=by)
    cells = cells_of(by, service.identifier)
    head = f"*{link(settings.BASE_URL + reverse('catalog:entity_detail', args=['service', service.identifier]), str(service))}*"
    lines = [cell_text(each) for each in cells]
    blocks = [section(head), *_in_parts(lines)] if lines else [section(f"{head}\nThere is no environment yet.")]
    return [asked.tell(f"Where {escape(str(service))} runs", blocks)]


def deploys(asked: Asked, rest: str) -> list[Call]:
    by = asked.who.looking(asked.trace)
    first, second = _cut(rest)
    service = catalog.service_named(_need(first, "service", "deploys SERVICE [ENVIRONMENT]"), by=by)
    environment = catalog.environment_named(second, by=by).identifier if second else ""
    found = history(by, service=service.identifier, environment=environment)[:MOST]
    lines = [deployment_text(each) for each in found]
    where = f" to {escape(environment)}" if environment else ""
    head = f"*Deployments of {escape(str(service))}{where}*, the newest first"
    return [asked.tell(head, [section(head), *_in_parts(lines or ["None so far."])])]


def check(asked: Asked, rest: str) -> list[Call]:
    by = asked.who.looking(asked.trace)
    place = _place(by, *_two(rest, "check SERVICE ENVIRONMENT"))
    decision = locks.decide(place, by=by)
    lines = [decision_text(decision)]
    robots = locks.decide_many([place], actor=AUTOMATION, now=decision.at)[place.service_id, place.environment_id]
    if robots.denies and not decision.denies:
        lines.append("CI is stopped there; this is about you in person.")
    blocks = [section("\n".join(lines))]
    known = locks.locks(by, now=decision.at).filter(pk__in=[each.pk for each in decision.locks])
    if lock := known.first():
        held = [*lock_buttons(lock, by, decision.at)]
        blocks += [actions(*held)] if held else []
    return [asked.tell(lines[0], blocks)]


def locked(asked: Asked, rest: str) -> list[Call]:
    by, now = asked.who.looking(asked.trace), database_now()
    word = _cut(rest)[0]
    state, service = ("mine" if not word or word == "mine" else "active"), ""
    if word not in {"", "mine", "all"}:
        service = catalog.service_named(word, by=by).identifier
    found = locks.severest(locks.locks(by, state=state, service=service, now=now))
    head = {"mine": "*Your locks*", "active": "*What is locked*"}[state] + (f" of {escape(service)}" if service else "")
    blocks = [section(head)]
    for each in found[:MOST]:
        blocks += [*lock_blocks(each, by, now), divider()]
    if not found:
        hint = f" `{_name(asked)} locks all` shows everybody's." if state == "mine" else ""
        blocks.append(section(f"None.{hint}"))
    url = reverse("locks:lock_list", query={"state": "mine"} if state == "mine" else {})
    return [asked.tell(head, [*blocks, *more(min(len(found), MOST), len(found), url, "locks")])]


def lock(asked: Asked, rest: str) -> list[Call]:
    by = asked.who.acting(asked.trace)
    service, rest = _cut(rest)
    environment, rest = _cut(rest)
    until, reason = _length(rest)
    if not reason:
        given = {"service": service, "environment": environment}
        given = {name: value for name, value in given.items() if value and value != EVERY}
        return [asked.open(lock_form(by, given=given, meta=asked.meta()))]
    scope = _scope(by, service, environment)
    try:
        taken = lock_take(scope, reason=reason, until=until, by=by)
    except Conflict as conflict:
        if conflict.code != "already_locked":
            raise
        return [_held_already(asked, by, conflict)]
    turn_used(taken, by=by)
    return [asked.tell(f"Locked {escape(taken.covers)}.", locked_blocks(taken, by, database_now()))]


def _held_already(asked: Asked, by: By, conflict: Conflict) -> Call:
    held: Lock = conflict.details["lock"]
    found = lock_buttons(held, by, database_now())
    over = [buttons.lock_over(held.public_id)] if held.holder_key != by.actor.key else []
    return asked.tell(escape(conflict.message), [section(escape(conflict.message)), actions(*found, *over)])


def unlock(asked: Asked, rest: str) -> list[Call]:
    """The lock of exactly this; a wider one is named instead."""
    by, now = asked.who.acting(asked.trace), database_now()
    service, rest = _cut(rest)
    environment, reason = _cut(rest)
    if not service or not environment:
        raise Invalid(f"Name the service and the environment: `{_name(asked)} unlock SERVICE ENVIRONMENT [REASON]`.")
    scope = _scope(by, service, environment)
    found = list(locks.locks(by, now=now).filter(**_exactly(scope)))
    done = Event.objects.filter(trace=asked.trace, name="lock.released").exists()
    if not found and not done:
        return [_not_locked(asked, by, scope)]
    if len(found) > 1:
        blocks = [each for lock in found for each in lock_blocks(lock, by, now)]
        return [
            asked.tell("Several locks are there. Which one?", [section("Several locks are there. Which one?"), *blocks])
        ]
    freed = lock_release(found[0], reason=reason, steal=True, by=by)
    return [asked.tell(released(freed))]


def _not_locked(asked: Asked, by: By, scope: Scope) -> Call:
    text = f"There is no lock of {_scope_words(scope)}."
    if scope.kind != ScopeKind.PAIR or not scope.service or not scope.environment:
        return asked.tell(text)
    decision = locks.decide(catalog.place_of(scope.service, scope.environment), by=by)
    wider = list(locks.locks(by, now=decision.at).filter(pk__in=[each.pk for each in decision.locks]))
    blocks = [section(text if not wider else f"{text} These reach it:")]
    for each in wider[:5]:
        blocks += lock_blocks(each, by, decision.at)
    return asked.tell(text, blocks)


def _exactly(scope: Scope) -> Json:
    columns = scope.columns()
    return {name: columns[name] for name in ("scope_kind", "service", "environment", "tier", "team")}


def _scope(by: By, service: str, environment: str) -> Scope:
    """Names that he may not see are unknown to him."""
    given = {}
    if service != EVERY:
        given["service"] = catalog.service_named(service, by=by).identifier
    if environment != EVERY:
        if not environment:
            raise Invalid(f"Name the environment as well, or {EVERY} for every one.")
        given["environment"] = catalog.environment_named(environment, by=by).identifier
    kind = {("service", "environment"): "pair", ("service",): "service", ("environment",): "environment"}
    return named(kind.get(tuple(given), "everything"), **given)


def _scope_words(scope: Scope) -> str:
    parts = [short(each.identifier, 100) for each in (scope.service, scope.environment) if each]
    return " in ".join(parts) or "everything"


def _place(by: By, service: str, environment: str) -> Place:
    return catalog.place_of(catalog.service_named(service, by=by), catalog.environment_named(environment, by=by))


def _length(rest: str) -> tuple[Until, str]:
    """`2h debugging`, `for 2h debugging`, `open moving house`, `debugging`."""
    first, after = _cut(rest)
    if first.lower() == "for":
        first, after = _cut(after)
    if first.lower() == "open":
        return None, after.strip()
    if LENGTH.fullmatch(first):
        return database_now() + duration(first, "duration"), after.strip()
    return DEFAULT, rest.strip()


def _two(rest: str, usage: str) -> tuple[str, str]:
    first, second = _cut(rest)
    if not first or not second:
        raise Invalid(f"Name the service and the environment: `/portal {usage}`.")
    return first, second.strip()


def _need(text: str, what: str, usage: str) -> str:
    if not text.strip():
        raise Invalid(f"Name the {what}: `/portal {usage}`.")
    return text.strip()


def _in_parts(lines: list[str]) -> list[Json]:
    """As few sections as hold them."""
    parts: list[str] = []
    for line in lines:
        if parts and len(parts[-1]) + len(line) < 2900:
            parts[-1] += f"\n{line}"
        else:
            parts.append(line)
    return [section(each) for each in parts[:40]]


WORDS: dict[str, Word] = {
    "help": help_,
    "where": where,
    "deploys": deploys,
    "check": check,
    "locks": locked,
    "lock": lock,
    "unlock": unlock,
    "env": lives.mine,
}
