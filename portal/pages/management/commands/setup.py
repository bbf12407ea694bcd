import os
import shlex
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from catalog.models import Entity
from portal.accounts.commands import credential_create, user_create
from portal.accounts.models import SCOPES, Credential, User
from portal.audit.models import Delivery
from portal.demo import company
from portal.kit.by import system
from portal.kit.ids import random_text

ADMIN_EMAIL = "admin@portcullis.example"
ACCOUNTS = ("_user", "_team")  # the administrator is an entity too: they alone are still an empty catalog


class Command(BaseCommand):
    help = (
        "Makes what a new installation needs: an administrator, credentials, and the demo company. Safe to run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--empty", action="store_true", help="without the demo company")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.EMBEDDED.credentials.exists() or not User.objects.exists():
            self._write_credentials(self._make_accounts())
        else:
            self._renew_address(settings.EMBEDDED.credentials)
        if not options["empty"] and not Entity.objects.exclude(blueprint__identifier__in=ACCOUNTS).exists():
            company.load()
            # The demo's locks are a story, not news: Slack hears of what happens from now on.
            Delivery.objects.all().delete()

    def _make_accounts(self) -> dict[str, str]:
        """What goes into credentials.env. Where people exist already their passwords stay as they are."""
        by = system("setup")
        password = ""
        if not User.objects.exists():
            password = random_text(16)
            user_create(ADMIN_EMAIL, "Portal Admin", password=password, role=User.Role.ADMIN, by=by)
        suffix = f" {random_text(4)}" if Credential.objects.exists() else ""
        client, secret = credential_create(f"Automation{suffix}", kind="client", scopes=list(SCOPES), by=by)
        _, token = credential_create(f"CI{suffix}", kind="ci", scopes=["report", "gate", "lock", "catalog:read"], by=by)
        return {
            "PORTCULLIS_URL": settings.BASE_URL,
            "CLIENT_ID": client.client_id,
            "CLIENT_SECRET": secret,
            "CI_TOKEN": token,
            "ADMIN_USER": ADMIN_EMAIL,
            "ADMIN_PASSWORD": password,
        }

    def _renew_address(self, path: Path) -> None:
        """The portal may answer elsewhere than at its last start; whatever else stands there stays."""
        line = f"PORTCULLIS_URL={shlex.quote(settings.BASE_URL)}"
        lines = path.read_text().splitlines()
        renewed = [line if each.startswith("PORTCULLIS_URL=") else each for each in lines]
        if renewed != lines:
            self._replace(path, "".join(f"{each}\n" for each in renewed))

    def _write_credentials(self, values: dict[str, str]) -> None:
        path = settings.EMBEDDED.credentials
        path.parent.mkdir(parents=True, exist_ok=True)
        self._replace(path, "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items()))

    def _replace(self, path: Path, text: str) -> None:
        fresh = path.with_suffix(".new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        fresh.replace(path)
