import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.slackbot.manifest import manifest


class Command(BaseCommand):
    help = "Prints the manifest of the Slack app, to paste at https://api.slack.com/apps?new_app=1 (docs/slack.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--socket", action="store_true", help="for Socket Mode: Slack need not reach the portal")
        parser.add_argument("--command", default="/portal", help="the slash command, where /portal is taken")

    def handle(self, *args: Any, **options: Any) -> None:
        made = manifest(socket=options["socket"], command="/" + options["command"].lstrip("/"))
        self.stdout.write(json.dumps(made, indent=2))
