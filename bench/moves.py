"""How long values are on their way to another name, and what those who write meanwhile notice of it."""

import json
import random
import time
import urllib.request
from collections.abc import Callable

from bench.load import request
from catalog.commands import migrations_run
from catalog.models import Entity

Next = Callable[[int], bytes]


def patches(token: str) -> Next:
    """One property of one component at a time."""
    names = list(Entity.objects.filter(blueprint__identifier="component").values_list("identifier", flat=True))
    chance = random.Random(3)
    api = {"Authorization": f"Bearer {token}", "User-Agent": "bench"}

    def body(number: int) -> bytes:
        data = json.dumps({"properties": {"openIssues": number}}).encode()
        return request("PATCH", f"/v1/blueprints/component/entities/{chance.choice(names)}", api, data)

    return body


def rename(port: int, token: str, old: str, new: str) -> float:
    """Seconds until the change of the blueprint is answered."""
    path = f"http://127.0.0.1:{port}/v1/blueprints/component/properties/{old}/rename"
    data = json.dumps({"newPropertyName": new}).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    start = time.perf_counter()
    with urllib.request.urlopen(urllib.request.Request(path, data, headers, method="PATCH")) as answer:
        answer.read()
    return time.perf_counter() - start


def work(took: list[float]) -> None:
    """What a worker does, to the end."""
    from django.db import connection

    start = time.perf_counter()
    while migrations_run():
        pass
    took.append(time.perf_counter() - start)
    connection.close()
