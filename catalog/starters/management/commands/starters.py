from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.starters.commands import starter_import, starter_remove
from catalog.starters.queries import standing, standings
from catalog.starters.tables import WORDS, summary
from portal.kit.by import system
from portal.kit.errors import PortalError


class Command(BaseCommand):
    help = "Lists the starters of the catalog, shows what one would change here, imports it, or takes it out again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("deed", choices=["list", "show", "import", "remove"])
        parser.add_argument("starter", nargs="?", default="", help="such as kubernetes")
        parser.add_argument("--examples", action="store_true", help="with a few entities to look at")
        parser.add_argument("--overwrite", action="store_true", help="set what is here otherwise as the starter has it")

    def handle(self, *args: Any, **options: Any) -> None:
        deed = options["deed"]
        if deed != "list" and not options["starter"]:
            raise CommandError(f"Name the starter to {deed}; “list” says which there are.")
        try:
            getattr(self, f"_{deed}")(options)
        except PortalError as wrong:
            raise CommandError(wrong.message) from wrong

    def _list(self, options: Any) -> None:
        for each in standings(system("setup")):
            state = "imported" if each.brought else ""
            self.stdout.write(f"{each.starter.identifier:18} {state:9} {each.starter.description}")

    def _show(self, options: Any) -> None:
        found = standing(system("setup"), options["starter"])
        wanted = [each for each in found.changes if options["examples"] or each.what != "entity"]
        self._tell(wanted)
        self.stdout.write(summary(wanted))

    def _import(self, options: Any) -> None:
        asked = {name: options[name] for name in ("examples", "overwrite")}
        told = starter_import(options["starter"], **asked, by=system("setup"))
        self._tell(told.done if options["verbosity"] > 1 else [])
        self._tell(told.left)
        self.stdout.write(f"{len(told.done)} changed, {len(told.left)} left as they are here.")

    def _remove(self, options: Any) -> None:
        told = starter_remove(options["starter"], by=system("setup"))
        for each in told.left:
            self.stdout.write(f"left: {each.label} ({each.why})")
        self.stdout.write(f"{len(told.gone)} went, {len(told.left)} stayed.")

    def _tell(self, changes: Any) -> None:
        for each in changes:
            if each.word != "same":
                self.stdout.write(f"{WORDS[each.word][0]}: {each.kind} {each.blueprint} {each.name}".rstrip())
