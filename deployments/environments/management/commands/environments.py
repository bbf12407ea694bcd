from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from deployments.environments.preview import preview
from portal.kit.clock import database_now, instant
from portal.kit.errors import Invalid


class Command(BaseCommand):
    help = "Says which environments would be torn down at an instant, which are held and by what. It changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--at", help="an instant such as 2026-01-31T15:40:00Z; now without one")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            at = instant(options["at"], "--at") if options["at"] else database_now()
        except Invalid as wrong:
            raise CommandError(wrong.message) from wrong
        going, braked = preview(at)
        for each in going:
            end = f"{each.environment.deadline:%Y-%m-%d %H:%M} UTC"
            fate = f"held: {each.hold.why}" if each.hold else "would be torn down"
            self.stdout.write(f"{each.environment.name}  {each.environment.owner_name or '-'}  {end}  {fate}")
        if braked:
            self.stdout.write(f"The brake would hold them: {braked}")
        if not going:
            self.stdout.write("Nothing would be torn down.")
