"""Runs of actions: they wait for somebody, and come to an end."""

from portal.actions.models import Run
from portal.audit.models import Event
from portal.notifications.notice import Button, Link, Notice, Tone, says
from portal.notifications.words.phrases import after, facts_of, page, text

GROUP = "Self-service"
WAITING, FAILURE = Run.Status.WAITING.value, Run.Status.FAILURE.value


def _asked(event: Event) -> str:
    return Run.objects.filter(public_id=event.noun_id).values_list("creator_key", flat=True).first() or ""


def _waits(event: Event) -> bool:
    return after(event).get("status") == WAITING


def _stale(event: Event) -> bool:
    """Somebody has decided meanwhile."""
    return not Run.objects.filter(public_id=event.noun_id, status=WAITING).exists()


def _notice(
    event: Event, said: str, emoji: str, tone: Tone, *, deeds: tuple[str, ...] = (), closes: bool = False
) -> Notice:
    facts = after(event)
    return Notice(
        said,
        facts_of(
            ("About", f"{event.blueprint} {event.entity}" if event.entity else None),
            ("They said", text(event.payload.get("description"))),
            ("Summary", text(facts.get("summary"))),
        ),
        Link(page("actions:run_detail", event.noun_id), "See the run"),
        tone=tone,
        emoji=emoji,
        buttons=tuple(Button(deed, event.noun_id) for deed in deeds),
        thread=event.stream,
        standing=said,
        closes=closes,
    )


def _what(event: Event) -> str:
    return f"“{event.title}”" + (f" for {event.entity}" if event.entity else "")


@says("run.created", "A run waits for approval", group=GROUP, matters=_waits, is_stale=_stale)
def asked(event: Event) -> Notice:
    said = f"{event.actor_name} asks to run {_what(event)}, which somebody has to approve"
    return _notice(event, said, "raised_hand", "waiting", deeds=("run_approve", "run_decline"))


@says("run.approved", "A run is approved", group=GROUP, person=_asked)
def approved(event: Event) -> Notice:
    return _notice(event, f"{event.actor_name} approved the run of {_what(event)}", "white_check_mark", "good")


@says("run.declined", "A run is declined", group=GROUP, person=_asked, is_bad=lambda event: True)
def declined(event: Event) -> Notice:
    said = f"{event.actor_name} declined the run of {_what(event)}"
    return _notice(event, said, "no_entry_sign", "bad", closes=True)


@says(
    "run.ended",
    "A run has ended",
    group=GROUP,
    person=_asked,
    is_bad=lambda event: after(event).get("status") == FAILURE,
)
def ended(event: Event) -> Notice:
    failed = after(event).get("status") == FAILURE
    said = f"The run of {_what(event)} {'failed' if failed else 'is done'}"
    return _notice(event, said, "x" if failed else "white_check_mark", "bad" if failed else "good", closes=True)
