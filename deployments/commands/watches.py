"""Watching what a deployment did to its place: opened once, closed once, whoever comes by."""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from catalog.queries import tier_of
from deployments import queries
from deployments.health.commands import probes_hurry
from deployments.models import Deployment, DeploymentConfig, Status, Watch
from deployments.watching import Judged, Verdict, judge
from portal.audit.record import record
from portal.kit.by import system
from portal.kit.clock import database_now, iso
from portal.kit.locking import retried

MOST = 500  # that are looked at in one go


@retried
@transaction.atomic
def watch_open(deployment: str, *, now: datetime | None = None) -> Watch | None:
    """Of a deployment that is live now and has just finished, where a probe can say something; None otherwise. A watch
    that is open in the same place is closed first."""
    now, length = now or database_now(), timedelta(seconds=settings.WATCH_SECONDS)
    one = _deployment(deployment)
    config = _held(one)
    if one is None or config is None or config.current_id != one.pk or one.status != Status.SUCCESS:
        return None
    if tier_of(config.environment) not in settings.WATCH_TIERS or (one.finished_at or now) + length <= now:
        return None
    if not queries.watched_probes(config) or Watch.objects.filter(deployment=one).exists():
        return None
    for older in Watch.objects.filter(config=config, verdict="").values_list("pk", flat=True):
        watch_look(older, now=now)
    watch: Watch = Watch.objects.create(deployment=one, config=config, opened_at=now, until=now + length)
    probes_hurry(config.service_id, config.environment_id, until=watch.until)
    record("watch.opened", watch.noun(), by=system("clock"), after=watch.facts(), payload=_payload(watch))
    return watch


def _deployment(public_id: str) -> Deployment | None:
    try:
        found: Deployment | None = Deployment.objects.filter(public_id=public_id).first()
    except ValidationError:
        return None
    return found


def _held(one: Deployment | None) -> DeploymentConfig | None:
    """The deployment's config, kept from new reports until the transaction ends."""
    if one is None or one.config_id is None or one.kind not in Deployment.DEPLOYS:
        return None
    rows = DeploymentConfig.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("service", "environment").filter(pk=one.config_id).first()


def watches_look(*, now: datetime | None = None) -> int:
    """Looks at all that are open; how many of them it closed."""
    now = now or database_now()
    open_ones = Watch.objects.filter(verdict="").order_by("until", "pk").values_list("pk", flat=True)
    return sum(watch_look(pk, now=now) for pk in list(open_ones[:MOST]))


@retried
@transaction.atomic
def watch_look(pk: int, *, now: datetime) -> bool:
    """Closes the watch if there is a verdict, with its event. Whoever is second finds it closed, or goes on."""
    rows = Watch.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk, verdict="")
    watch = rows.select_related("deployment", "config__latest", "config__current").first()
    if watch is None:
        return False
    judged = _judged(watch, now)
    if judged is None:
        return False
    before = watch.facts()
    watch.verdict, watch.reason, watch.values, watch.closed_at = judged.verdict, judged.reason, judged.values, now
    watch.save(update_fields=["verdict", "reason", "values", "closed_at"])
    record(
        "watch.closed",
        watch.noun(),
        by=system("clock"),
        before=before,
        after=watch.facts(),
        payload=_payload(watch) | {"verdict": watch.verdict, "reason": watch.reason, "values": watch.values},
    )
    return True


def _judged(watch: Watch, now: datetime) -> Judged | None:
    of, config = watch.deployment, watch.config
    if config is None:
        return Judged(Verdict.INCONCLUSIVE, "Its service or environment was deleted.")
    end, why = min(watch.until, now), ""
    newer = _overtaker(of, config)
    if of.status != Status.SUCCESS:
        why = "It was rolled back."
    elif newer:
        why = f"Overtaken by {newer.version or newer.commit[:7] or 'another deployment'}."
        end = min(end, newer.begun_at)
    over = bool(why) or now >= watch.until
    return judge(queries.observed(watch, end), over=over, muted=queries.was_muted(watch, end), ended=why)


def _overtaker(of: Deployment, config: DeploymentConfig) -> Deployment | None:
    """One that began after it, or is live instead of it: two may have been rolled out at the same time."""
    newer, live = config.latest, config.current
    if newer and newer.pk != of.pk and newer.begun_at >= (of.finished_at or of.begun_at):
        return newer
    return live if live and live.pk != of.pk else None


def _payload(watch: Watch) -> dict[str, object]:
    of, config = watch.deployment, watch.config
    return {
        "deployment": str(of.public_id),
        "service_id": config.service_id if config else None,
        "environment_id": config.environment_id if config else None,
        "version": of.version,
        "commit": of.commit,
        "opened_at": iso(watch.opened_at),
    }
