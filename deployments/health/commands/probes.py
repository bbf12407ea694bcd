"""Probes: made, changed and taken away."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Least, Now

from catalog import queries as catalog
from catalog.models import Entity
from deployments.health import specs
from deployments.health.commands.standings import standings_follow
from deployments.health.models import Kind, Probe
from deployments.health.schedule import first_due
from deployments.health.states import State
from portal.accounts.policy import require
from portal.audit.record import Entry, record, record_many
from portal.kit.by import By, trusted
from portal.kit.clock import database_now
from portal.kit.database import taken
from portal.kit.errors import Conflict, Invalid
from portal.kit.ids import hashed, random_text
from portal.kit.locking import retried
from portal.kit.masks import HIDDEN
from portal.kit.seal import seal, unseal

Json = dict[str, Any]

SHORTEST, LONGEST, LONGEST_SILENCE = 10, 86_400, 30 * 86_400  # seconds
LONGEST_TIMEOUT = 60.0
MOST_IN_A_ROW = 10
PLACE = ("service", "environment", "blueprint", "entity")
WISHES = ("name", "spec", "interval", "timeout", "failure_threshold", "recovery_threshold", "paused")
# What others found elsewhere before we heard of it counts as well.
BEFORE = timedelta(days=6)
# Whoever tells us from outside has thresholds of his own.
DEFAULTS: dict[str, Json] = {
    Kind.HTTP: {},
    Kind.TCP: {},
    Kind.HEARTBEAT: {"interval": 300, "failure_threshold": 1, "recovery_threshold": 1},
    Kind.OUTSIDE: {"interval": 300, "failure_threshold": 1, "recovery_threshold": 1},
}


@retried
@transaction.atomic
def probe_create(wished: Json, *, by: By) -> tuple[Probe, str]:
    """`wished`: kind, name, spec and either service and environment, or blueprint and entity; see `WISHES` for the rest.

    With it the token of a heartbeat's address, which is told this once; empty for other kinds.
    """
    probe = probe_draft(wished, by=by)
    token = _key(probe) if probe.kind == Kind.HEARTBEAT else ""
    now = database_now()
    probe.judged_from = probe.since = now
    if probe.kind == Kind.OUTSIDE:
        probe.judged_from = now - BEFORE
    probe.due_at = first_due(probe, now)
    _save(probe)
    standings_follow([probe], now=now)
    record("probe.created", probe.noun(), by=by, after=probe.facts())
    return probe, token


def probe_draft(wished: Json, *, of: Probe | None = None, by: By) -> Probe:
    """What would be made, or become of a probe, by who may: it is not kept."""
    if of:
        require(by, "probe.write", teams=of.owner_teams())
        draft: Probe = Probe.objects.get(pk=of.pk)
        _fill(draft, {name: value for name, value in wished.items() if name in WISHES})
        return draft
    kind = wished.get("kind", Kind.HTTP)
    if kind not in Kind.values:
        raise Invalid.at("kind", f"must be one of {', '.join(Kind.values)}")
    _refuse_unknown(wished, {"kind", *PLACE, *WISHES})
    probe = Probe(kind=kind, created_by=by.actor.name, **DEFAULTS[kind])
    _place(probe, wished, by)
    require(by, "probe.write", teams=probe.owner_teams())
    _fill(probe, {"name": kind, "spec": {}} | wished)
    return probe


@retried
@transaction.atomic
def probe_update(probe: Probe, changes: Json, *, by: By) -> Probe:
    """Sets what is given of `WISHES`; its place and kind stay. Asking something else it begins anew, with state unknown."""
    probe = _held(probe)
    require(by, "probe.write", teams=probe.owner_teams())
    fixed = [name for name in ("kind", *PLACE) if name in changes and changes[name] != probe.facts()[name]]
    if fixed:
        raise Invalid.of(
            [{"path": name, "message": "stays: make another probe, and delete this one"} for name in fixed]
        )
    _refuse_unknown(changes, {"kind", *PLACE, *WISHES})
    before, asked, sealed = probe.facts(), probe.spec, probe.headers
    _fill(probe, changes)
    other = probe.spec != asked or _opened(probe.headers) != _opened(sealed)
    if probe.facts() == before and not other:
        return probe
    now = database_now()
    if other:
        probe.state, probe.since, probe.reason, probe.judged_from = State.UNKNOWN, now, "", now
        probe.checked_at, probe.ms, probe.run_version = None, None, ""
    probe.due_at = first_due(probe, now)
    _save(probe)
    standings_follow([probe], now=now)
    record("probe.updated", probe.noun(), by=by, before=before, after=probe.facts())
    return probe


@retried
@transaction.atomic
def probe_delete(probe: Probe, *, by: By) -> None:
    """Its readings and flips go with it; the audit log keeps what was told."""
    probe = _held(probe)
    require(by, "probe.write", teams=probe.owner_teams())
    _delete([probe], by)


@retried
@transaction.atomic
def probe_rekey(probe: Probe, *, by: By) -> str:
    """Another address for a heartbeat, told this once; the one that senders know is gone at once."""
    probe = _held(probe)
    require(by, "probe.write", teams=probe.owner_teams())
    if probe.kind != Kind.HEARTBEAT:
        raise Conflict("Only a heartbeat has an address.", code="no_heartbeat")
    token = _key(probe)
    probe.save(update_fields=["token_hash"])
    record("probe.updated", probe.noun(), by=by, payload={"address": "changed"})
    return token


def probes_hurry(service: int, environment: int, *, until: Any) -> int:
    """Until then the probes of the place are asked as often as they bear it, beginning now. How many."""
    polled = Probe.objects.filter(
        service=service, environment=environment, kind__in=[Kind.HTTP, Kind.TCP], paused=False
    )
    soon = polled.filter(Q(hurry_until=None) | Q(hurry_until__lt=until))
    return int(soon.update(hurry_until=until, due_at=Least(F("due_at"), Now())))


@transaction.atomic
def probes_remove(entities: "list[Entity]", *, by: By) -> None:
    """Of entities that are about to go."""
    keys = [each.pk for each in entities]
    of = Q(service__in=keys) | Q(environment__in=keys) | Q(entity__in=keys)
    found = list(Probe.objects.select_for_update(of=("self",)).filter(of).order_by("pk"))
    if found:
        _delete(found, trusted(by))


def probes_rename(entity: Entity) -> None:
    for name in ("service", "environment", "entity"):
        Probe.objects.filter(**{name: entity}).update(**{f"{name}_identifier": entity.identifier})


def _delete(probes: "list[Probe]", by: By) -> None:
    record_many([Entry("probe.deleted", each.noun(), each.facts()) for each in probes], by=by)
    Probe.objects.filter(pk__in=[each.pk for each in probes]).delete()
    standings_follow(probes, now=database_now())


def _held(probe: Probe) -> Probe:
    rows = Probe.objects.select_for_update(of=("self",)).select_related("service", "environment", "entity")
    found: Probe | None = rows.filter(pk=probe.pk).first()
    if found is None:
        raise Conflict("This probe has just been deleted.", code="probe_deleted")
    return found


def _place(probe: Probe, wished: Json, by: By) -> None:
    for name in PLACE:
        if wished.get(name) is not None and not isinstance(wished[name], str):
            raise Invalid.at(name, "must be a text")
    pair, single = (wished.get("service"), wished.get("environment")), (wished.get("blueprint"), wished.get("entity"))
    if all(pair) and not any(single):
        probe.service = catalog.service_named(str(pair[0]), by=by)
        probe.environment = catalog.environment_named(str(pair[1]), by=by)
        probe.service_identifier = probe.service.identifier
        probe.environment_identifier = probe.environment.identifier
    elif all(single) and not any(pair):
        probe.entity = catalog.entity(by, str(single[0]), str(single[1]))
        probe.entity_blueprint, probe.entity_identifier = str(single[0]), probe.entity.identifier
    else:
        raise Invalid.at("service", "give a service and an environment, or a blueprint and an entity")


def _fill(probe: Probe, wished: Json) -> None:
    faults: list[dict[str, str]] = []
    for name in WISHES:
        if name in wished and name != "spec":
            setattr(probe, name, wished[name])
    faults += _faults(probe)
    if "spec" in wished:
        try:
            _ask(probe, specs.check(probe.kind, wished["spec"]))
        except Invalid as wrong:
            faults += wrong.details["errors"]
    if faults:
        raise Invalid.of(faults)


def _ask(probe: Probe, spec: Json) -> None:
    """The values of headers are kept sealed; one that is sent back as it was shown stays."""
    headers = spec.get("headers") or {}
    known = json.loads(_opened(probe.headers) or "{}")
    unknown = [name for name, text in headers.items() if text == HIDDEN and name not in known]
    if unknown:
        raise Invalid.of([{"path": f"spec.headers.{name}", "message": "say what it is"} for name in unknown])
    if HIDDEN in headers.values() and _origin(spec) != _origin(probe.spec):
        # Whoever writes another address might be sent what he was never shown.
        kept = [name for name, text in headers.items() if text == HIDDEN]
        words = f"say what it is once more: it was meant for {probe.host}"
        raise Invalid.of([{"path": f"spec.headers.{name}", "message": words} for name in kept])
    whole = {name: known[name] if text == HIDDEN else text for name, text in headers.items()}
    probe.spec = spec | ({"headers": dict.fromkeys(sorted(headers), HIDDEN)} if headers else {})
    if whole != known:
        probe.headers = seal(json.dumps(whole, sort_keys=True)) if whole else ""
    probe.host = specs.host_of(probe.kind, spec)


def _origin(spec: Json) -> tuple[str, str]:
    parts = urlsplit(str(spec.get("url", "")))
    return parts.scheme, parts.netloc.lower()


def _faults(probe: Probe) -> "list[dict[str, str]]":
    longest = LONGEST if probe.is_polled else LONGEST_SILENCE
    found = []
    if not (isinstance(probe.name, str) and 1 <= len(probe.name.strip()) <= 100 and probe.name.isprintable()):
        found.append(("name", "must be a text of 1 to 100 characters"))
    else:
        probe.name = probe.name.strip()
    for name in ("failure_threshold", "recovery_threshold"):
        if not _is_number(getattr(probe, name), 1, MOST_IN_A_ROW, whole=True):
            found.append((name, f"must be a whole number from 1 to {MOST_IN_A_ROW}"))
    if not _is_number(probe.interval, SHORTEST, longest, whole=True):
        found.append(("interval", f"must be whole seconds from {SHORTEST} to {longest:,}"))
    elif not _is_number(probe.timeout, 0.1, LONGEST_TIMEOUT) or probe.timeout >= probe.interval:
        found.append(("timeout", f"must be seconds up to {LONGEST_TIMEOUT:g}, and less than the interval"))
    if not isinstance(probe.paused, bool):
        found.append(("paused", "must be true or false"))
    return [{"path": path, "message": message} for path, message in found]


def _is_number(value: Any, least: float, most: float, *, whole: bool = False) -> bool:
    known = int if whole else int | float
    return isinstance(value, known) and not isinstance(value, bool) and least <= value <= most


def _refuse_unknown(wished: Json, known: "set[str]") -> None:
    unknown = sorted(wished.keys() - known)
    if unknown:
        raise Invalid.of(
            [{"path": name, "message": f"is unknown; there are {', '.join(sorted(known))}"} for name in unknown]
        )


def _key(probe: Probe) -> str:
    token = f"pch_{random_text(40)}"
    probe.token_hash = hashed(token)
    return token


def _opened(sealed: str) -> str:
    try:
        return unseal(sealed)
    except Conflict:
        return ""  # sealed under a key that is no more


def _save(probe: Probe) -> None:
    with taken("name", f"There is a probe called “{probe.name}” of {probe.where} already."):
        probe.save()
