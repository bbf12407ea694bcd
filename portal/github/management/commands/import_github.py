import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.github.imports import WORDS, import_start, imports_run
from portal.github.models import Import
from portal.kit.by import system
from portal.kit.errors import PortalError


class Command(BaseCommand):
    help = "Imports the teams and repositories of a GitHub organisation, with PORTCULLIS_GITHUB_TOKEN. Ctrl-C leaves it to the workers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization")
        parser.add_argument("--preview", action="store_true", help="only say what would change")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            job = import_start(options["organization"], preview=options["preview"], by=system("setup"))
        except PortalError as wrong:
            raise CommandError(wrong.message) from wrong
        while not job.is_over:
            has_more = imports_run(1.0)
            job = Import.objects.get(pk=job.pk)
            if has_more or job.is_over:
                continue
            # GitHub wants us to wait, or a worker has the job.
            if job.reason:
                self.stdout.write(f"waits: {job.reason}")
            time.sleep(5 if job.reason else 1)
        for each in job.report:
            why = f": {each['why']}" if each["why"] else ""
            self.stdout.write(
                f"{each['word']:9} {each['blueprint'] or '-':10} {each['identifier']}  ({each['source']}){why}"
            )
        self.stdout.write(", ".join(f"{job.counts[word]} {word}" for word in ("repositories", *WORDS)) + ".")
        if job.state != Import.State.COMPLETED:
            raise CommandError(f"It ended as {job.state}: {job.reason}")
