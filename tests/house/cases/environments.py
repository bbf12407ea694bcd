"""Of environments with a time to live."""

from datetime import timedelta

from deployments.environments.commands import environment_request, template_create
from deployments.environments.models import Environment, Sweep
from portal.kit.clock import database_now
from tests.conftest import SETUP
from tests.house.cases.accounts import A_PERSON, dan

STEPS = [{"name": "all"}]
PREVIEW = {
    "identifier": "preview",
    "title": "Preview",
    "provider": "demo",
    "spec": {"provision": STEPS, "sleep": STEPS, "wake": STEPS, "teardown": STEPS, "verify": STEPS[0]},
}
LIVING = ["environment_template.created", "entity.created", "environment.requested"]

CASES = {
    "environment_recreate": (
        lambda do, shop: do(living(state="torn_down", torn_down_at=database_now()), by=SETUP),
        [*LIVING, "environment.requested"],
    ),
    "environment_extend": (
        lambda do, shop: do(living(), timedelta(days=1), by=SETUP),
        [*LIVING, "environment.extended"],
    ),
    "environment_pin": (
        lambda do, shop: do(living(), database_now() + timedelta(days=1), reason="why", by=SETUP),
        [*LIVING, "environment.pinned"],
    ),
    "environment_unpin": (
        lambda do, shop: do(living(pinned_until=database_now()), by=SETUP),
        [*LIVING, "environment.unpinned"],
    ),
    "environment_sleep": (lambda do, shop: do(living(state="ready"), by=SETUP), [*LIVING, "environment.sleep_asked"]),
    "environment_wake": (lambda do, shop: do(living(state="asleep"), by=SETUP), [*LIVING, "environment.wake_asked"]),
    "environment_retry": (
        lambda do, shop: do(living(state="provision_failed"), by=SETUP),
        [*LIVING, "environment.provision_retried"],
    ),
    "environment_teardown": (lambda do, shop: do(living(), by=SETUP), [*LIVING, "environment.teardown_started"]),
    "orphan_keep": (
        lambda do, shop: do(living(state="orphan_suspected", resting="ready"), by=SETUP),
        [*LIVING, "environment.acquitted"],
    ),
    "pull_request_closed": (
        lambda do, shop: do(living(pr_url="https://forge.example/1").pr_url, by=SETUP),
        [*LIVING, "environment.expired"],
    ),
    "environment_hand_over": (
        lambda do, shop: do(living(), dan(), by=SETUP),
        [*LIVING, "user.created", "environment.handed_over"],
    ),
    "template_create": (lambda do, shop: do(PREVIEW, by=SETUP), ["environment_template.created"]),
    "template_update": (
        lambda do, shop: do(preview(), {"title": "Demo"}, by=SETUP),
        ["environment_template.created", "environment_template.updated"],
    ),
    "template_delete": (
        lambda do, shop: do(preview(), by=SETUP),
        ["environment_template.created", "environment_template.deleted"],
    ),
    "environment_request": (
        lambda do, shop: do(preview(), name="demo", by=SETUP),
        ["environment_template.created", "entity.created", "environment.requested"],
    ),
    "sweep_release": (lambda do, shop: do(Sweep.objects.create(reason="many"), by=A_PERSON), ["sweep.released"]),
}


def preview():
    return template_create(PREVIEW, by=SETUP)


def living(**as_if):
    asked = environment_request(preview(), name="demo", by=SETUP)
    Environment.objects.filter(pk=asked.pk).update(**as_if | ({"phase": ""} if "state" in as_if else {}))
    return Environment.objects.get(pk=asked.pk)
