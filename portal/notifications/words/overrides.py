from portal.audit.models import Event
from portal.notifications.notice import Link, Notice, Tone, When, says
from portal.notifications.words.phrases import after, facts_of, moment, page, text

GROUP = "Break glass"


def _notice(event: Event, said: str, emoji: str, tone: Tone, *, closes: bool = False) -> Notice:
    facts = after(event)
    passes = facts.get("passes") or []
    return Notice(
        said,
        facts_of(
            ("Reason", text(facts.get("reason"))),
            ("Commit", text(facts.get("commit"))[:12]),
            (
                "Passes",
                f"{len(passes)} lock{'s' if len(passes) != 1 else ''} or freeze{'s' if len(passes) != 1 else ''}",
            ),
            ("Until", When(moment(facts.get("expires_at"))) if facts.get("expires_at") else None),
            ("Link", Link(facts["link"]) if facts.get("link") else None),
        ),
        Link(page("locks:override_list"), "See the overrides"),
        tone=tone,
        emoji=emoji,
        thread=event.stream,
        standing=said,
        closes=closes,
    )


@says("override.asked", "Somebody breaks the glass", group=GROUP)
def asked(event: Event) -> Notice:
    needs = after(event).get("needs_approval")
    rest = ": a second person has to approve it" if needs else ""
    return _notice(event, f"{event.actor_name} breaks the glass for {event.title}{rest}", "fire_extinguisher", "bad")


@says("override.approved", "Breaking the glass is approved", group=GROUP)
def approved(event: Event) -> Notice:
    said = f"{event.actor_name} approved {text(after(event).get('holder'))} breaking the glass for {event.title}"
    return _notice(event, said, "fire_extinguisher", "bad")


@says("override.withdrawn", "Breaking the glass is taken back", group=GROUP)
def withdrawn(event: Event) -> Notice:
    said = f"{event.actor_name} took back the override for {event.title}"
    return _notice(event, said, "leftwards_arrow_with_hook", "good", closes=True)


@says("break_glass.used", "An offline code was used", group=GROUP, is_bad=lambda event: True)
def used(event: Event) -> Notice:
    facts = after(event)
    return Notice(
        f"A break-glass code was used: {event.title}",
        facts_of(("Reason", text(facts.get("reason"))), ("Who", text(facts.get("actor") or event.actor_name))),
        Link(page("locks:code_list"), "See the codes"),
        tone="bad",
        emoji="fire_extinguisher",
    )
