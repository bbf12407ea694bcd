"""Levels of scorecards, and deletions that wait for somebody."""

from catalog.integrations.models import Integration
from portal.audit.models import Event
from portal.notifications.notice import Link, Notice, says
from portal.notifications.words.phrases import entity_page, facts_of, page, text

GROUP = "Catalog"


@says("scorecard.level_changed", "An entity changes its level", group=GROUP)
def level_changed(event: Event) -> Notice:
    told = event.payload
    rules = [each for each in told.get("rules", []) if isinstance(each, dict)]
    lost = [text(each.get("title")) for each in rules if each.get("to") != "SUCCESS"]
    won = [text(each.get("title")) for each in rules if each.get("to") == "SUCCESS"]
    was, now = text(told.get("from")) or "no level", text(told.get("to")) or "no level"
    return Notice(
        f"{text(told.get('entity')) or event.entity} went from {was} to {now} by {text(told.get('scorecardTitle'))}",
        facts_of(("Passes now", ", ".join(won[:8])), ("Passes no more", ", ".join(lost[:8]))),
        entity_page(event.blueprint, event.entity, "See it"),
        tone="plain",
        emoji="trophy",
        folds=True,
    )


@says("integration.deletion_held", "An integration wants to delete too much", group=GROUP, is_bad=lambda event: True)
def deletion_held(event: Event) -> Notice:
    told = event.payload
    known = Integration.objects.filter(identifier=event.noun_id).values_list("public_id", flat=True).first()
    see = (
        Link(page("integrations:integration", known), "Decide")
        if known
        else Link(page("integrations:integration_list"), "Decide")
    )
    return Notice(
        f"{event.title} wants to delete much of what it wrote: it is held until somebody decides",
        facts_of(
            ("Owns", text(told.get("owned"))),
            ("Gone already", text(told.get("gone"))),
            ("Wants to delete", text(told.get("wished"))),
        ),
        see,
        tone="bad",
        emoji="octagonal_sign",
    )
