"""What people do to their environments that end by themselves: /portal env, and the buttons."""

from datetime import datetime

from deployments.environments.commands import environment_extend
from deployments.environments.models import Environment
from deployments.environments.queries import environment
from portal.audit import queries as audit
from portal.kit.errors import Invalid
from portal.slackbot.blocks import section
from portal.slackbot.forms.lives import longer_form, pin_form
from portal.slackbot.inbound import Asked, Call
from portal.slackbot.pressed import shown_at
from portal.slackbot.staying import lives_until, mine_blocks


def mine(asked: Asked, rest: str) -> list[Call]:
    by = asked.who.acting(asked.trace)
    return [asked.tell("Your environments", [section("*Your environments*"), *mine_blocks(by)])]


def extend(asked: Asked, value: str) -> list[Call]:
    """For its template's usual length from now. Past the soft cap it takes a reason, which a form asks for."""
    by = asked.who.acting(asked.trace)
    one = environment(by, value)
    if not _was_extended(one, shown_at(asked)):
        try:
            one = environment_extend(one, by=by)
        except Invalid as wrong:
            if [each["path"] for each in wrong.details.get("errors", [])] != ["reason"]:
                raise
            return [asked.open(longer_form(one, asked.meta()))]
    return [asked.tell(lives_until(one))]


def _was_extended(one: Environment, since: datetime) -> bool:
    """By him or another who pressed the button of the same message."""
    noun = one.noun()
    return audit.events(noun=noun.kind).filter(noun_id=noun.id, name="environment.extended", at__gt=since).exists()


def pin(asked: Asked, value: str) -> list[Call]:
    by = asked.who.acting(asked.trace)
    return [asked.open(pin_form(environment(by, value), asked.meta()))]
