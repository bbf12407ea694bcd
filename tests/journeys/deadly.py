"""The portal's own server and worker, killed at a chosen point: as the kernel would, with no goodbye.

`DEADLY` names a file; the point that is written into it is where the next process dies, once.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
ORDER = Path(os.environ["DEADLY"])


def die_at(point):
    """Only one dies of an order: whoever takes the file away."""
    try:
        if ORDER.read_text() != point:
            return
        ORDER.unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def watch(execute, sql, params, many, context):
    text = sql.lower().replace('"', "")
    worker = WORKER and "deployments_reportrequest"
    if worker and text.startswith("select") and f"from {worker}" in text:
        die_at("worker, before it reads the payload")
    if WORKER and text.startswith("update audit_delivery") and "done" in map(str, params or ()):
        die_at("worker, before it says that it is done")
    answer = execute(sql, params, many, context)
    if not WORKER and "insert into deployments_reportrequest" in text:
        die_at("server, before the commit")
    if worker and text.startswith(f"update {worker}"):
        die_at("worker, before the commit")
    return answer


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
    """A worker of one thread, started anew when it dies."""
    while True:
        child = os.fork()
        if not child:
            deliver()
        os.waitpid(child, 0)


def deliver():
    from portal.audit.outbox import deliver_due

    while os.getppid() != 1:
        deliver_due()
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
