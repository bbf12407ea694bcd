"""Forms of environments that end by themselves: how much longer, and why."""

from datetime import UTC, datetime
from typing import Any

from deployments.environments.commands import environment_extend, environment_pin
from deployments.environments.models import Environment
from deployments.environments.queries import environment
from portal.kit.clock import duration
from portal.kit.errors import Invalid
from portal.kit.forms import sentence
from portal.slackbot.blocks import Json, section
from portal.slackbot.forms.inputs import field, inputs_in, meta_of, text, values_of, view
from portal.slackbot.forms.sent import Outcome, sends
from portal.slackbot.home import refreshed
from portal.slackbot.inbound import Asked
from portal.slackbot.staying import lives_until


def longer_form(one: Environment, meta: Json) -> Json:
    blocks = [
        section(f"{lives_until(one)} For longer it takes a reason."),
        field("ttl", "For", text(placeholder="8h, 2d"), optional=True, hint="From now on; empty for the usual length."),
        field("reason", "Reason", text()),
    ]
    return view("longer", "Extend", "Extend", blocks, meta | {"environment": str(one.public_id)})


def pin_form(one: Environment, meta: Json) -> Json:
    at = {"type": "datetimepicker", "initial_date_time": int(one.deadline.timestamp())}
    blocks = [
        section(lives_until(one)),
        field("until", "Pinned until", at),
        field("reason", "Reason", text()),
    ]
    return view("pin", "Pin", "Pin", blocks, meta | {"environment": str(one.public_id)})


@sends("longer")
def longer_sent(asked: Asked) -> Outcome:
    values = values_of(asked.payload)

    def deed(one: Environment, by: Any) -> Environment:
        ttl = duration(values["ttl"], "ttl") if values.get("ttl") else None
        return environment_extend(one, ttl, reason=values.get("reason") or "", by=by)

    return _done(asked, deed)


@sends("pin")
def pin_sent(asked: Asked) -> Outcome:
    values = values_of(asked.payload)

    def deed(one: Environment, by: Any) -> Environment:
        try:
            until = datetime.strptime(values.get("until") or "", "%Y-%m-%dT%H:%M").replace(tzinfo=UTC)
        except ValueError as error:
            raise Invalid.at("until", "say until when") from error
        return environment_pin(one, until, reason=values.get("reason") or "", by=by)

    return _done(asked, deed)


def _done(asked: Asked, deed: Any) -> Outcome:
    """What is wrong stands at its field."""
    by = asked.who.acting(asked.trace)
    one = environment(by, str(meta_of(asked.payload).get("environment") or ""))
    try:
        one = deed(one, by)
    except Invalid as wrong:
        names = inputs_in(asked.payload)
        faults = wrong.details.get("errors") or [{"path": "", "message": wrong.message}]
        return Outcome(
            faults={each["path"] if each["path"] in names else names[0]: sentence(each["message"]) for each in faults}
        )
    return Outcome(calls=[asked.tell(lives_until(one)), *refreshed(asked)])
