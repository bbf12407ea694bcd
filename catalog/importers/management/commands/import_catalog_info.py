from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.importers import backstage
from catalog.importers.commands import things_import
from catalog.importers.tables import lines, summary
from portal.kit.by import system
from portal.kit.errors import PortalError


class Command(BaseCommand):
    help = (
        "Imports catalog-info.yaml files of Backstage: makes what is missing, changes what differs, tells what is left."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="+", type=Path)
        parser.add_argument("--preview", action="store_true", help="only say what would change")

    def handle(self, *args: Any, **options: Any) -> None:
        preview = options["preview"]
        try:
            reading = backstage.read([(str(each), each.read_text("utf-8-sig")) for each in options["file"]])
            fates = things_import(
                reading.things, source="import/catalog-info.yaml", preview=preview, by=system("setup")
            )
        except PortalError as wrong:
            raise CommandError(wrong.message) from wrong
        except (OSError, UnicodeDecodeError) as wrong:
            raise CommandError(str(wrong)) from wrong
        fates = [*reading.left, *fates]
        self.stdout.write("\n".join([*lines(fates), summary(fates, is_done=not preview)]))
