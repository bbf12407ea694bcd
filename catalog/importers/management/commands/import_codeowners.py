from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.importers import codeowners, queries
from catalog.importers.commands import things_import
from catalog.importers.tables import lines, summary
from portal.kit.by import system
from portal.kit.errors import PortalError


class Command(BaseCommand):
    help = "Gives the services of a repository the teams that its CODEOWNERS file names."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("repository", help="its address, as the services have it")
        parser.add_argument("file", type=Path)
        parser.add_argument("--preview", action="store_true", help="only say what would change")

    def handle(self, *args: Any, **options: Any) -> None:
        by, preview = system("setup"), options["preview"]
        try:
            reading = codeowners.read(options["file"].read_text("utf-8-sig"))
            things, left = queries.owned(by, reading, options["repository"])
            fates = things_import(things, source="import/CODEOWNERS", mode="patch", preview=preview, by=by)
        except PortalError as wrong:
            raise CommandError(wrong.message) from wrong
        except (OSError, UnicodeDecodeError) as wrong:
            raise CommandError(str(wrong)) from wrong
        fates = [*left, *fates]
        skipped = [f"skipped   line {number}: {why}" for number, why in reading.skipped]
        self.stdout.write("\n".join([*skipped, *lines(fates), summary(fates, is_done=not preview)]))
