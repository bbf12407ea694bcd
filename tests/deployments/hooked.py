"""Hooks, and what forges and tools send to them."""

import hashlib
import hmac
import json
import time
from pathlib import Path

from django.test import Client

from deployments.commands import hook_create
from deployments.models import ReportRequest
from portal.audit.outbox import deliver_due
from tests.conftest import SETUP

SECRET = "a secret of the larder"
SHA = "4f2a9c1d00be11aa22cc33dd44ee55ff66aa77bb"
FOLDER = Path(__file__).parent / "payloads"


def payload(name, **changes):
    """One as its sender really writes it, changed at `a__b` paths."""
    body = json.loads((FOLDER / f"{name}.json").read_text())
    for path, value in changes.items():
        part, *names = body, *path.split("__")
        for each in names[:-1]:
            part = part[each]
        part[names[-1]] = value
    return body


def hook(kind, **wished):
    return hook_create({"name": kind.title(), "kind": kind} | wished, secret=SECRET, by=SETUP)


def signed(raw, stamp=""):
    return (
        "sha256="
        + hmac.new(SECRET.encode(), (f"{stamp}.".encode() if stamp else b"") + raw, hashlib.sha256).hexdigest()
    )


def send(hook, body, event="", delivery="d1", **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    if hook.kind == "github":
        headers = {"X-GitHub-Event": event, "X-GitHub-Delivery": delivery, "X-Hub-Signature-256": signed(raw)} | headers
    elif hook.kind == "gitlab":
        headers = {"X-Gitlab-Event": "Deployment Hook", "Idempotency-Key": delivery, "X-Gitlab-Token": SECRET} | headers
    elif hook.kind == "cdevents":
        headers = {"Authorization": f"Bearer {SECRET}"} | headers
    else:
        stamp = str(int(time.time()))
        headers = {"X-Portcullis-Timestamp": stamp, "X-Portcullis-Signature": signed(raw, stamp)} | headers
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client().post(hook.path, raw, content_type="application/json", headers=headers)


def bring(*args, **headers):
    """Sends it, and lets a worker read it."""
    answer = send(*args, **headers)
    deliver_due()
    return answer


def came():
    return ReportRequest.objects.order_by("-id").first()
