"""Processes that the kernel kills half-way, with no goodbye. What they had begun PostgreSQL takes back."""

import os
import signal
import time
import traceback
from itertools import count

from django.db import connection, connections

from portal.audit.models import Delivery
from portal.audit.outbox import deliver_due
from tests import emptying


def killed_at(start, word="", *, times=1, work=deliver_due):
    """A worker of its own that dies before a statement which starts so and has the word among its values, the `times`th."""
    came = []

    def is_there(text, params):
        if text.startswith(start) and (not word or word in map(str, params or ())):
            came.append(text)
        return len(came) == times

    assert dies(work, is_there), f"it never came to “{start}”"
    Delivery.objects.filter(state="sending").update(lease_until="2020-01-01T00:00:00Z")


def killed_everywhere(make, check, *, stride=1):
    """What `make()` answers is done by a process that dies before its first statement, then by one that dies before a
    later one, and so on; each time once more to the end, and checked. Answers how many died."""
    for deaths in count():
        deed, left = make(), count(-stride * deaths)
        died = dies(deed, lambda text, params, left=left: next(left) == 0)
        Delivery.objects.filter(state="sending").update(lease_until="2020-01-01T00:00:00Z")
        deed()
        check()
        if not died:
            return deaths
        assert deaths < 300


def dies(work, is_there):
    """Whether a process of its own came to a statement of which `is_there(text, values)`, and was killed before it."""
    connection.close()  # two processes must not speak on one
    child = os.fork()
    if not child:
        _live(work, is_there)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or status == 0, "it failed"
    end = time.monotonic() + 10
    while emptying.is_busy() and time.monotonic() < end:
        time.sleep(0.005)  # PostgreSQL takes back what it had begun
    return os.WIFSIGNALED(status)


def _live(work, is_there):
    # Connections of before a browser was started in this process are hidden from it, but not from a child.
    for each in connections.all(initialized_only=True):
        each.connection = None

    def watch(execute, sql, params, many, context):
        if is_there(sql.strip().lower().replace(chr(34), ""), params):
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(sql, params, many, context)

    try:
        with connection.execute_wrapper(watch):
            work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
