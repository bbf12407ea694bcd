"""Workers of environments that the kernel kills, at chosen points and with no goodbye.

`python -m tests.environments.mortal POINT...`: for each point a worker is forked, which works until it comes there.
A point is `TIMES PLACE`: `asked` after the step was noted as asked, `acted` after the provider has answered,
`noted` after the answer was written down. What the dead held is due again at once. `teardown` asks for all of it to go.
"""

import os
import signal
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from django.db import connection  # noqa: E402

from deployments.environments import worker  # noqa: E402
from deployments.environments.commands import environment_teardown  # noqa: E402
from deployments.environments.models import Environment  # noqa: E402
from portal.kit.by import system  # noqa: E402


class Mortal:
    def __init__(self, times, place):
        self.times, self.place, self.came = times, place, 0

    def at(self, place, function):
        def call(*args, **kwargs):
            answer = function(*args, **kwargs)
            if place == self.place and answer is not None:
                self.came += 1
                if self.came == self.times:
                    os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return call


def live(times, place):
    mortal = Mortal(times, place)
    worker.work_claim = mortal.at("asked", worker.work_claim)
    worker.ask = mortal.at("acted", worker.ask)
    worker.step_finish = mortal.at("noted", worker.step_finish)
    due_now()
    while worker.work_due(limit=1):
        due_now()
    os._exit(0)


def due_now():
    """Leases of the dead end, and pauses are over: the clock is not what is tried here."""
    Environment.objects.filter(work_at__isnull=False).update(work_at="2020-01-01T00:00:00Z")


def main(points):
    deaths = 0
    for point in points:
        if point == "teardown":
            environment_teardown(Environment.objects.get(), by=system("setup"))
            continue
        times, place = point.split()
        Environment.objects.update(lease_until=None)
        connection.close()
        child = os.fork()
        if not child:
            live(int(times), place)
        deaths += os.WIFSIGNALED(os.waitpid(child, 0)[1])
    print(deaths)


if __name__ == "__main__":
    main(sys.argv[1:])
