import shlex
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from catalog.models import Entity

TEXT = """
Portcullis is up:  {url}

  sign in as       {user}
  with password    {password}
  credentials      {file}{slack}{target}
"""

STEPS = """
To paste, in this order:

  set -a; . {file}; set +a

  # 1. Report a deployment, and watch it appear in {url}/deployments/
  curl -sS "$PORTCULLIS_URL/v1/deployments" -H "Authorization: Bearer $CI_TOKEN" -H 'Content-Type: application/json' \\
    -d '{{"service": "{service}", "environment": "production", "version": "9.9.9", "commit": "4f2a9c1", "status": "success"}}'

  # 2. Ask the gate: it is open, exit 0
  python3 ci/portcullis check --service {service} --environment production

  # 3. Lock it, and ask again: it is closed, exit 10
  python3 ci/portcullis lock --service {service} --environment production --reason "trying the gate" --for 2h
  python3 ci/portcullis check --service {service} --environment production

Or sit back: bin/demo plays two deploys that wait in line behind a lock, and go on by themselves.
"""

FIRST_STEPS = """
Open {url}/ and follow the three steps there; they tick themselves off.
"""


class Command(BaseCommand):
    help = "Prints the address, the sign-in and the commands to paste."

    def handle(self, *args: Any, **options: Any) -> None:
        file = settings.EMBEDDED.credentials
        lines = [line.partition("=") for line in file.read_text().splitlines() if "=" in line]
        known = {name: "".join(shlex.split(value)) for name, _, value in lines}
        first = Entity.objects.filter(blueprint__identifier="service").order_by("identifier").first()
        mock = settings.SLACK_API_URL.removesuffix("/api/")
        is_mock = mock.startswith("http://127.0.0.1")
        self.stdout.write(
            (TEXT + (STEPS if first else FIRST_STEPS)).format(
                url=settings.BASE_URL,
                user=known["ADMIN_USER"],
                password=known["ADMIN_PASSWORD"] or "as it was; `python manage.py changepassword` sets a new one",
                file=shlex.quote(str(file)),
                service=first.identifier if first else "",
                target=f"\n  to break         {settings.DEMO_TARGET}/  and see {settings.BASE_URL}/health/ follow"
                * bool(settings.DEMO_TARGET),
                slack=f"\n  what Slack sees  {mock}/" if is_mock else "",
            )
        )
