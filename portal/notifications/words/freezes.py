from portal.audit.models import Event
from portal.notifications.notice import Link, Notice, When, says
from portal.notifications.words.phrases import after, facts_of, moment, page

GROUP = "Freezes"


@says("freeze.began", "A freeze begins", group=GROUP)
def began(event: Event) -> Notice:
    said = f"The freeze “{event.title}” has begun: {_scope(event)} is closed"
    return _notice(event, said, "snowflake", "waiting")


@says("freeze.ended", "A freeze ends", group=GROUP)
def ended(event: Event) -> Notice:
    return _notice(event, f"The freeze “{event.title}” has ended: {_scope(event)} is open again", "sunny", "good")


@says("freeze.created", "A freeze is made", group=GROUP)
def created(event: Event) -> Notice:
    return _notice(
        event, f"{event.actor_name} made the freeze “{event.title}” of {_scope(event)}", "snowflake", "plain"
    )


@says("freeze.changed", "A freeze is changed", group=GROUP)
def changed(event: Event) -> Notice:
    said = f"{event.actor_name} changed the freeze “{event.title}” of {_scope(event)}"
    return _notice(event, said, "snowflake", "plain")


@says("freeze.withdrawn", "A freeze is withdrawn", group=GROUP)
def withdrawn(event: Event) -> Notice:
    said = f"{event.actor_name} withdrew the freeze “{event.title}” of {_scope(event)}"
    return _notice(event, said, "sunny", "good")


def _scope(event: Event) -> str:
    facts = after(event)
    service, environment = facts.get("service"), facts.get("environment")
    return {
        "pair": f"{service} in {environment}",
        "service": f"{service}",
        "environment": f"{environment}",
        "team": f"what {facts.get('team')} owns",
        "tier": f"every {facts.get('tier')} environment",
        "everything": "everything",
    }.get(str(facts.get("scope")), "something")


def _notice(event: Event, said: str, emoji: str, tone: str) -> Notice:
    facts, span = after(event), event.payload
    until = moment(span.get("ends_at")) if event.name == "freeze.began" else None
    return Notice(
        said,
        facts_of(
            ("Reason", facts.get("reason")),
            ("Until", When(until) if until else None),
            ("Who", facts.get("holder")),
            ("Rollbacks", "go through" if "rollback" in facts.get("allows", []) else None),
            ("Link", Link(facts["link"]) if facts.get("link") else None),
        ),
        Link(page("locks:freeze_detail", event.noun_id), "See the freeze"),
        tone="good" if tone == "good" else "waiting" if tone == "waiting" else "plain",
        emoji=emoji,
    )
