from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from deployments.commands import commits_backfill


class Command(BaseCommand):
    help = "Keeps the commits of deployments from before commits were kept. It may be stopped, and run again or from a key on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--after", type=int, default=0, help="the key of the last deployment that is done")
        parser.add_argument("--batch", type=int, default=200, help="deployments of one transaction")

    def handle(self, *args: Any, **options: Any) -> None:
        after, batch = options["after"], max(1, options["batch"])
        while after := commits_backfill(after, batch):
            if options["verbosity"]:
                self.stdout.write(f"done up to {after}")
