"""Flips of health. What is muted, and what says only that nobody knows, is told to nobody."""

from portal.audit.models import Event
from portal.notifications.notice import Link, Notice, When, says
from portal.notifications.words.deployments import values_of
from portal.notifications.words.phrases import after, facts_of, moment, page, text

GROUP = "Health"
MOST_FLIPS = 20  # that are looked back at
BAD = {"degraded", "failing", "down"}
SAID = {
    "healthy": ("is healthy again", "white_check_mark", "good"),
    "degraded": ("is degraded", "warning", "waiting"),
    "failing": ("is failing", "warning", "bad"),
    "down": ("is down", "rotating_light", "bad"),
}


def _state(event: Event) -> str:
    return text(after(event).get("state"))


def _matters(event: Event) -> bool:
    """Not while it is muted."""
    return _state(event) in {*BAD, "healthy"} and not event.payload.get("muted")


def _is_no_news(event: Event) -> bool:
    """That it is healthy is news to those who were told that it was not, whatever came between."""
    if _state(event) != "healthy":
        return False
    before = Event.objects.filter(noun=event.noun, noun_id=event.noun_id, name=event.name, pk__lt=event.pk)
    for each in before.order_by("-pk")[:MOST_FLIPS]:
        if _state(each) in BAD and not each.payload.get("muted"):
            return False
        if _state(each) == "healthy":
            return True
    return True


@says(
    "probe.flipped",
    "Health changes",
    group=GROUP,
    matters=_matters,
    is_bad=lambda event: _state(event) in BAD,
    is_stale=_is_no_news,
)
def flipped(event: Event) -> Notice:
    facts = after(event)
    what, emoji, tone = SAID.get(_state(event), (f"is {_state(event)}", "grey_question", "plain"))
    said = f"{event.title} {what}"
    since = moment(facts.get("since"))
    return Notice(
        said,
        facts_of(
            ("Because", text(facts.get("reason"))),
            ("Values", values_of(facts.get("values"))),
            ("Since", When(since) if since else None),
            ("Before", text((event.before or {}).get("state"))),
            ("Running", text(event.payload.get("run_version"))),
        ),
        Link(page("health:probe", event.noun_id), "See the probe"),
        tone="good" if tone == "good" else "bad" if tone == "bad" else "waiting" if tone == "waiting" else "plain",
        emoji=emoji,
        thread=event.stream,
        standing=said,
        closes=_state(event) == "healthy",
        folds=True,
    )


@says("prober.went_down", "The prober cannot see", group=GROUP, is_bad=lambda event: True)
def prober_went_down(event: Event) -> Notice:
    said = "The prober cannot reach its own references: nobody knows how services do until it can"
    reason = text(after(event).get("reason") or event.payload.get("reason"))
    return Notice(
        said,
        facts_of(("Because", reason), ("Services", "None of them is said to be down because of this.")),
        Link(page("health:probes"), "See the probes"),
        tone="bad",
        emoji="see_no_evil",
        thread=event.stream,
        standing=said,
    )


@says("prober.came_back", "The prober can see again", group=GROUP)
def prober_came_back(event: Event) -> Notice:
    said = "The prober reaches its references again"
    return Notice(
        said,
        (),
        Link(page("health:probes"), "See the probes"),
        tone="good",
        emoji="eyes",
        thread=event.stream,
        standing=said,
        closes=True,
    )
