"""Rolling old deployments up by day, pair after pair, so that what they came to outlives their rows
(docs/decisions/0031)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from catalog import compute
from catalog.models import Entity, Relation
from deployments.models import Deployment, DeploymentConfig, DeploymentDay, Ran, Status, begun, happened
from deployments.queries.dora import Found, Judged, Span, judged, leads
from deployments.queries.order import KEY
from portal.audit.record import record
from portal.kit.by import system
from portal.kit.clock import database_now, iso

EVER = datetime(1, 1, 1, tzinfo=UTC)
UNFINISHED = (Status.PENDING, Status.IN_PROGRESS)
LARGE = ("changes", "extra", "instances", "message", "decision")  # nothing is counted in these
KEYS = ("frequency", "lead_time", "change_failure", "restore")


def deployments_roll_up(keep_days: int, *, now: datetime | None = None) -> int:
    """Of each pair, what is older than `keep_days` and cannot change the meaning of what stays; answers how many went.

    Nothing where `keep_days` is 0. Each pair is a transaction of its own, and holds up reports of this pair only.
    """
    if keep_days <= 0:
        return 0
    today = (now or database_now()).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    cutoff = today - timedelta(days=keep_days)
    old = Deployment.objects.annotate(at=happened()).filter(at__lt=cutoff).exclude(config=None)
    return sum(_roll_up(pk, cutoff) for pk in sorted(set(old.values_list("config", flat=True))))


@transaction.atomic
def _roll_up(key: int, cutoff: datetime) -> int:
    rows = DeploymentConfig.objects.select_for_update(of=("self",)).select_related("entity", "service", "environment")
    config = rows.filter(pk=key).first()
    doomed, staying = _doomed(config, cutoff) if config else ([], set())
    fresh = [each for each in doomed if not each.rolled_up]
    gone = [each for each in doomed if each.pk not in staying]
    if config is None or not (fresh or gone):
        return 0
    _count(config, fresh, cutoff)
    Deployment.objects.filter(pk__in=[each.pk for each in fresh if each.pk in staying]).update(rolled_up=True)
    _remember(config, gone)
    entities = [each.entity_id for each in gone if each.entity_id]
    compute.going(entities)
    Entity.objects.filter(pk__in=entities).delete()
    Deployment.objects.filter(pk__in=[each.pk for each in gone]).delete()
    if gone:
        told = {"until": iso(cutoff), "deployments": len(gone)}
        record("deployment_config.rolled_up", config.noun(), by=system("retention"), payload=told)
    return len(gone)


# Those of a pair that ended before a certain one, in their order.
_BEFORE = f"""
    select d.id from deployments_deployment d join deployments_deployment a on a.config_id = d.config_id
    where a.id = %s and d.kind in ('deploy', 'rollback') and d.finished_at is not null
        and d.status not in ('pending', 'in_progress') and {KEY.format("d")} < {KEY.format("a")}
"""


def _doomed(config: DeploymentConfig, cutoff: datetime) -> tuple[list[Deployment], set[int]]:
    """What is to be counted, and the keys of those that stay all the same: what was live before the last success that is
    old enough, the newest of the pair, and what another entity points at.

    That last success itself stays whole, with all that came after it: whether it was undone, and when what failed after
    it was mended, may still be told.
    """
    pair = Deployment.objects.filter(config=config)
    done = pair.filter(status=Status.SUCCESS, kind__in=Deployment.DEPLOYS, finished_at__lt=cutoff)
    last = list(done.by_finish()[:2])
    before = _ended_before(last[0]) if last else []
    aside = ~Q(kind__in=Deployment.DEPLOYS) & Q(at__lt=cutoff) | Q(status__in=UNFINISHED, begun__lt=cutoff)
    found = pair.annotate(at=happened(), begun=begun()).filter(Q(pk__in=before) | aside)
    found = found.exclude(pk=config.latest_id or 0, status__in=UNFINISHED)
    pointed = set(Relation.objects.filter(target__deployment__config=config).values_list("target", flat=True))
    staying = {each.pk for each in last[1:]} | {pk for pk in (config.current_id, config.latest_id) if pk}
    doomed = list(found.defer(*LARGE))
    return doomed, staying | {each.pk for each in doomed if each.entity_id in pointed}


def _ended_before(last: Deployment) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_BEFORE, [last.pk])
        return [pk for (pk,) in cursor.fetchall()]


def _count(config: DeploymentConfig, rows: Sequence[Deployment], cutoff: datetime) -> None:
    """Adds them to the days of the pair, as the four keys judge them now."""
    pair = Deployment.objects.filter(config=config).annotate(begun=begun()).order_by()
    span = Span(EVER, cutoff)
    every = judged(pair, span)
    chosen = {each.pk: each for each in rows}
    found = Found(span, [each for each in every if each.deployment in chosen], lambda: leads(pair, every, EVER))
    by_day: dict[date, list[Judged]] = defaultdict(list)
    for each in found.rows:
        by_day[each.at.astimezone(UTC).date()].append(each)
    for day, some in by_day.items():
        _add(config, day, some, [chosen[each.deployment] for each in some], found)


def _add(config: DeploymentConfig, day: date, rows: list[Judged], whole: list[Deployment], found: Found) -> None:
    names = {"service_identifier": config.service.identifier, "environment_identifier": config.environment.identifier}
    kept, _ = DeploymentDay.objects.get_or_create(config=config, day=day, defaults=names)
    mine = {each.deployment for each in rows}
    changes = [each for each in found.lead.changes if each.deployment.deployment in mine]
    reasons = [reason for each, reason in found.lead.without if each.deployment in mine]
    keys = {key: Counter(each.reason(key) for each in rows if each.reason(key) is not None) for key in KEYS}
    keys["lead_time"] = Counter([each.reason for each in changes] + reasons)
    for key, counter in keys.items():
        kept.keys[key] = dict(Counter(kept.keys.get(key, {})) + Counter(counter))
    kept.keys["failed"] = kept.keys.get("failed", 0) + sum(each.failed for each in rows)
    for name in ("status", "kind", "gate"):
        told = Counter(kept.counts.get(name, {})) + Counter(str(getattr(each, name)) for each in whole)
        kept.counts[name] = dict(told)
    kept.leads += [each.seconds for each in changes if not each.reason]
    kept.mended += [each.mended_after for each in rows if each.restore == "" and each.mended_after is not None]
    kept.total += len(rows)
    kept.save()


def _remember(config: DeploymentConfig, gone: Iterable[Deployment]) -> None:
    """What ran here, in a few bytes each: so that it is known when it comes again."""
    first: dict[tuple[str, str], datetime] = {}
    for each in gone:
        if each.status == Status.SUCCESS and each.kind in Deployment.DEPLOYS and each.finished_at:
            known = first.get((each.version, each.commit), each.finished_at)
            first[each.version, each.commit] = min(known, each.finished_at)
    made = [Ran(config=config, version=version, commit=commit, first_at=at) for (version, commit), at in first.items()]
    Ran.objects.bulk_create(made, ignore_conflicts=True)
