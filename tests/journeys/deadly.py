"""The portal's own server and worker, killed at chosen points. `DEADLY_LEASE` is how long a lease of the worker lasts."""

import os
import subprocess
import sys
import time
from datetime import timedelta

import django

from tests.journeys.dying import die_at

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
LEASE = float(os.environ.get("DEADLY_LEASE") or 0)
# The worker dies before a statement that starts so, or after one, in the transaction that has not been committed.
BEFORE = {
    "select locks_heardprobe": "worker, before it reads what health says",
    "insert into notifications_slackthread": "worker, before it notes the message that it has sent",
}
AFTER = {
    "insert into deployments_watch": "worker, before it commits the watch",
    "update deployments_watch": "worker, before it commits the verdict",
    "insert into locks_lock": "worker, before it commits the lock",
    "update locks_lock": "worker, before it commits the release",
}
wrote = ""


def watch(execute, sql, params, many, context):
    text = sql.lower().replace('"', "")
    worker = WORKER and "deployments_reportrequest"
    if worker and text.startswith("select") and f"from {worker}" in text:
        die_at("worker, before it reads the payload")
    if WORKER:
        die_before(text)
    if WORKER and text.startswith("update audit_delivery") and "done" in map(str, params or ()):
        die_at("worker, before it says that it is done")
    answer = execute(sql, params, many, context)
    if not WORKER and "insert into deployments_reportrequest" in text:
        die_at("server, before the commit")
    if worker and text.startswith(f"update {worker}"):
        die_at("worker, before the commit")
    if WORKER:
        die_after(text)
    return answer


def die_before(text):
    for start, point in BEFORE.items():
        if text.startswith(start):
            die_at(point)
    if text.startswith("update audit_delivery") and wrote:
        die_at(f"worker, before it says that {wrote} is done")


def die_after(text):
    global wrote
    for start, point in AFTER.items():
        if text.startswith(start):
            wrote = start.rpartition("_")[2]
            die_at(point)


def watch_connection(connection, **_):
    connection.execute_wrappers.append(watch)


def application(environ, start_response):
    """The real one; what it wrote is committed when it has answered, and nobody has heard of it yet."""
    parts = list(portal(environ, start_response))
    if environ["REQUEST_METHOD"] == "POST":
        die_at("server, before the answer")
    return parts


def serve(port):
    """The server as bin/up starts it, started anew when it goes."""
    words = ["granian", "--interface", "wsgi", "tests.journeys.deadly:application", "--port", port]
    while True:
        subprocess.call([sys.executable, "-m", *words, "--blocking-threads", "2"])


def work():
    """A worker of one thread that does what the clock asks as well, started anew when it dies."""
    while True:
        child = os.fork()
        if not child:
            deliver()
        os.waitpid(child, 0)


def deliver():
    from deployments.commands import watches_look
    from locks.commands import holds_release
    from portal.audit import leases
    from portal.audit.models import Delivery
    from portal.audit.outbox import deliver_due

    if LEASE:
        pace = LEASE / Delivery.LEASE.total_seconds()
        Delivery.LEASE = timedelta(seconds=LEASE)
        leases.LONGEST_CALL *= pace
        leases.RENEWED_EVERY *= pace
    while os.getppid() != 1:
        deliver_due()
        watches_look()
        holds_release()
        time.sleep(0.05)
    os._exit(0)


WORKER = __name__ == "__main__"
if sys.argv[1:2] == ["serve"]:
    serve(sys.argv[2])
if WORKER:
    django.setup()
else:
    from portal.wsgi import application as portal

from django.db.backends.signals import connection_created  # noqa: E402 - the settings come first

connection_created.connect(watch_connection)
if WORKER:
    sys.exit(work())
