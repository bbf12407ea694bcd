"""Log sources: what an administrator sets once, so that every place has its links."""

from typing import Any

from django.db import transaction

from deployments.models import LogSource
from deployments.presets import PRESETS
from deployments.sources import MARK, web
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By, system
from portal.kit.database import taken
from portal.kit.errors import Invalid

Json = dict[str, Any]

LONGEST_TEXT = 2000


@transaction.atomic
def log_source_create(wish: Json, *, by: By) -> LogSource:
    """Raises Invalid with every fault, and Conflict where the name is taken."""
    require(by, "source.write")
    source = LogSource()
    _fill(source, wish)
    _save(source)
    record("log_source.created", source.noun(), by=by, after=source.facts())
    return source


@transaction.atomic
def log_source_update(source: LogSource, wish: Json, *, by: By) -> LogSource:
    """What `wish` leaves out stays."""
    require(by, "source.write")
    source = LogSource.objects.select_for_update().get(pk=source.pk)
    before = source.facts()
    _fill(source, {name: getattr(source, name) for name in _FIELDS} | wish)
    if source.facts() != before:
        _save(source)
        record("log_source.updated", source.noun(), by=by, before=before, after=source.facts())
    return source


@transaction.atomic
def log_source_delete(source: LogSource, *, by: By) -> None:
    require(by, "source.write")
    held = LogSource.objects.select_for_update().filter(pk=source.pk).first()
    if held is None:
        return
    before, noun = held.facts(), held.noun()
    held.delete()
    record("log_source.deleted", noun, by=by, before=before)


@transaction.atomic
def sources_install(**_: Any) -> None:
    """A source for every preset that none has: it shows where the properties it takes are there, and nowhere else."""
    used, names = LogSource.objects.values_list("preset", flat=True), LogSource.objects.values_list("name", flat=True)
    missing = [each for each in PRESETS if each not in set(used) and PRESETS[each].title not in set(names)]
    for each in missing:
        log_source_create({"name": PRESETS[each].title, "kind": PRESETS[each].kind, "preset": each}, by=system("setup"))


_FIELDS = ("name", "kind", "icon", "preset", "template", "parameters", "is_on")


def _fill(source: LogSource, wish: Json) -> None:
    faults = list(_faults(wish))
    if faults:
        raise Invalid.of([{"path": path, "message": message} for path, message in faults])
    for name in _FIELDS:
        if name in wish:
            setattr(source, name, wish[name])


def _save(source: LogSource) -> None:
    with taken("name", f"There is a log source “{source.name}” already."):
        source.save()


def _faults(wish: Json) -> "list[tuple[str, str]]":
    name, preset, template = (wish.get(each, "") for each in ("name", "preset", "template"))
    found = []
    if not isinstance(name, str) or not name.strip() or len(name) > 100:
        found.append(("name", "give it a name of at most 100 characters"))
    if wish.get("kind") not in LogSource.Kind.values:
        found.append(("kind", f"must be one of {', '.join(LogSource.Kind.values)}"))
    if bool(preset) == bool(template):
        found.append(("preset", "choose a preset, or write a template: one of them"))
    elif preset and preset not in PRESETS:
        found.append(("preset", f"must be one of {', '.join(PRESETS)}"))
    elif template and not (
        isinstance(template, str) and len(template) <= LONGEST_TEXT and web(MARK.sub("x", template))
    ):
        found.append(("template", "must be an address that starts with https:// or http:// and holds no password"))
    return found + _faults_of_parameters(wish.get("parameters", {}), preset)


def _faults_of_parameters(parameters: object, preset: str) -> "list[tuple[str, str]]":
    if not isinstance(parameters, dict):
        return [("parameters", "must be an object of texts")]
    known = PRESETS[preset].parameters if preset in PRESETS else {}
    found = []
    for name, text in parameters.items():
        if name not in known:
            takes = f"takes {', '.join(known)}" if known else "has none: a template names its properties itself"
            found.append(("parameters", f"“{name[:40]}” is no parameter; this source {takes}"))
        elif not isinstance(text, str) or len(text) > LONGEST_TEXT:
            found.append((f"parameters.{name}", f"must be a text of at most {LONGEST_TEXT} characters"))
    return found
