"""Which runs GitHub is asked to run again when a lock that stopped them has ended."""

import re

from django.conf import settings
from django.db import transaction

from catalog import queries as catalog
from deployments.queries import blocked_by
from locks.models import KeptDecision, Lock
from portal.audit.models import Event
from portal.audit.nouns import Noun
from portal.audit.record import Entry, record_many
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.locking import advisory_lock

NOUN, ASKED = "github_run", "github_run.rerun"
RUN = re.compile(r"/([\w-]+/(?!\.\.?/)[\w.-]+)/actions/runs/([1-9]\d{0,17})(?:/attempts/\d+)?", re.ASCII)


def wanted() -> bool:
    return bool(settings.GITHUB_APP_ID and settings.GITHUB_RERUN)


@transaction.atomic
def reruns_ask(lock: Lock, *, by: By) -> int:
    """The last run of each place that it stopped, in the order in which they asked, where the tier has chosen so and
    nothing else stops it now. An older run would deploy what the last one brings anyway, and might come after it.

    Asked once for each lock; how many.
    """
    advisory_lock("reruns", str(lock.public_id))
    # Named by its noun as well: by that alone the log has an index.
    if Event.objects.filter(noun=NOUN, name=ASKED, payload__lock=str(lock.public_id)).exists():
        return 0
    last = {_place(each.denial): each for each in blocked_by(lock, now=database_now())}
    chosen = [each.denial for each in last.values() if not each.stopped and _is_wished(each.denial)]
    entries = [entry for denial in sorted(chosen, key=lambda each: each.pk) if (entry := _entry(denial, lock))]
    record_many(entries, by=by)
    return len(entries)


def _place(denial: KeptDecision) -> tuple[str, str]:
    return denial.service_identifier, denial.environment_identifier


def _is_wished(denial: KeptDecision) -> bool:
    return catalog.tier_called(denial.environment_identifier) in settings.GITHUB_RERUN


def _entry(denial: KeptDecision, lock: Lock) -> Entry | None:
    """None unless it is a run of the service's own repository: whoever asks the gate names the run, and might name another's."""
    web = settings.GITHUB_API_URL.replace("//api.github.com", "//github.com").removesuffix("/api/v3")
    found = RUN.fullmatch(denial.run_url.removeprefix(web)) if denial.run_url.startswith(web) else None
    if found is None or denial.service_identifier not in catalog.services_of_repository(f"{web}/{found[1]}"):
        return None
    repository, run = found[1], int(found[2])
    service, environment = _place(denial)
    title = f"{repository} #{run}"
    noun = Noun(NOUN, f"{repository}#{run}", title, service=service, environment=environment)
    return Entry(ASKED, noun, payload={"repository": repository, "run": run, "lock": str(lock.public_id)})
