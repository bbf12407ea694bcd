"""The portal's own prober, killed at a chosen point."""

import os
import sys

import django

from tests.journeys.dying import ORDER, die_at

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
wrote = False


def watch(execute, sql, params, many, context):
    global wrote
    text = sql.strip().lower().replace('"', "")
    is_claim, is_reading = text.startswith("with free as"), text.startswith("insert into health_reading")
    if wrote and is_claim:
        wrote = False
        die_at("committed")
    if is_reading:
        die_at("called")
    answer = execute(sql, params, many, context)
    if is_claim and context["cursor"].rowcount > 0:
        die_at("claimed")
    if is_reading:
        wrote = ORDER.exists()
        die_at("reading written")
    if text.startswith("insert into audit_event"):
        die_at("flip told")
    return answer


def work():
    """A prober, started anew when it dies."""
    while True:
        child = os.fork()
        if not child:
            poll()
        os.waitpid(child, 0)


def poll():
    from deployments.health.prober import Prober

    prober = Prober("here", threads=8)
    while os.getppid() != 1:
        prober.run(1)
    os._exit(0)


if __name__ == "__main__":
    django.setup()
    from django.db.backends.signals import connection_created

    connection_created.connect(lambda connection, **_: connection.execute_wrappers.append(watch), weak=False)
    sys.exit(work())
