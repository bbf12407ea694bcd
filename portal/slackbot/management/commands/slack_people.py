import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.accounts.models import User

MOST = 20


class Command(BaseCommand):
    help = "Writes who can be chosen in the stand-in for Slack: the first people who have an account."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        people = User.objects.filter(is_active=True, is_service=False).order_by("pk")[:MOST]
        known = [{"email": each.email, "name": str(each)} for each in people]
        options["file"].write_text(json.dumps(known))
