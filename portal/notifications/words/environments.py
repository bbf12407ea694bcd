"""Environments with a TTL, the sweep that guards them, and timers of any blueprint."""

from deployments.environments.models import Environment
from portal.audit.models import Event
from portal.kit.clock import database_now, iso
from portal.notifications.notice import Button, Link, Notice, Tone, When, says
from portal.notifications.words.phrases import after, entity_page, facts_of, moment, page, text

GROUP = "Environments"


def _owner(event: Event) -> str:
    return text(event.payload.get("owner_key") or after(event).get("owner_key"))


def _expires(event: Event) -> When | None:
    at = moment(event.payload.get("expires_at") or after(event).get("expires_at"))
    return When(at) if at else None


def _is_stale(event: Event) -> bool:
    """Its end has moved or has come since, and that is told by itself."""
    found = Environment.objects.filter(public_id=event.noun_id).first()
    if found is None:
        return True
    warned = moment(event.payload.get("expires_at"))
    return found.deadline <= database_now() or warned is None or iso(found.deadline) != iso(warned)


def _notice(
    event: Event, said: str, emoji: str, tone: Tone = "plain", *, buttons: bool = False, standing: bool = True,
    closes: bool = False, folds: bool = False,
) -> Notice:  # fmt: skip
    facts, told = after(event), event.payload
    error = text(told.get("error") or told.get("why") or told.get("reason") or facts.get("last_error"))
    deeds = ("environment_extend", "environment_pin") if buttons else ()
    return Notice(
        said,
        facts_of(
            ("Owner", text(facts.get("owner") or told.get("owner"))),
            ("Ends", None if closes else _expires(event)),
            ("Because", error),
        ),
        _page(event),
        tone=tone,
        emoji=emoji,
        buttons=tuple(Button(deed, event.noun_id) for deed in deeds),
        thread=event.stream,
        standing=said if standing else "",
        closes=closes,
        folds=folds,
    )


def _page(event: Event) -> Link | None:
    url = text(event.payload.get("url"))
    return Link(url, "See it") if url else entity_page("environment", event.environment, "See the environment")


def _name(event: Event) -> str:
    return f"The environment {event.title or event.environment}"


def _word(name: str, label: str, said: str, emoji: str, tone: Tone = "plain", **more: bool) -> None:
    """Registers one that is a sentence with the environment's name before it."""
    is_bad = tone == "bad"

    @says(f"environment.{name}", label, group=GROUP, person=_owner, is_bad=lambda event: is_bad)
    def render(event: Event) -> Notice:
        return _notice(event, f"{_name(event)} {said}", emoji, tone, **more)


_word("requested", "An environment is asked for", "is asked for", "seedling", folds=True)
_word("provisioned", "An environment is ready", "is ready", "seedling", "good")
_word("provision_failed", "An environment could not be made", "could not be made", "x", "bad")
_word("slept", "An environment is put to sleep", "sleeps", "zzz", folds=True)
_word("woken", "An environment wakes", "is awake", "sunrise", folds=True)
_word("extended", "An environment stays longer", "stays longer", "hourglass_flowing_sand", "good", folds=True)
_word("pinned", "An environment is pinned", "is pinned", "pushpin", folds=True)
_word("unpinned", "An environment is unpinned", "is no longer pinned", "pushpin", folds=True)
_word(
    "expired",
    "An environment has come to its end",
    "has come to its end and is being taken down",
    "hourglass",
    "waiting",
)
_word(
    "torn_down", "An environment is gone", "is gone: its provider says that nothing is left", "wastebasket", closes=True
)
_word("sleep_failed", "An environment could not be put to sleep", "could not be put to sleep", "x", "bad")
_word("wake_failed", "An environment could not be woken", "could not be woken", "x", "bad")
_word("teardown_failed", "An environment could not be taken down", "could not be taken down", "x", "bad")
_word("orphan_suspected", "Something may be left over", "may have left something behind", "ghost", "bad")
_word("handed_over", "An environment has another owner", "has another owner", "handshake")


@says("environment.expiry_warned", "An environment ends soon", group=GROUP, person=_owner, is_stale=_is_stale)
def expiry_warned(event: Event) -> Notice:
    left = _left(event.payload.get("minutes"))
    said = f"{_name(event)} ends {left}, and will be taken down"
    return _notice(event, said, "hourglass", "waiting", buttons=True, standing=False)


def _left(minutes: object) -> str:
    known = {1440: "in a day", 120: "in two hours", 15: "in a quarter of an hour"}
    return known.get(minutes, "soon") if isinstance(minutes, int) else "soon"


@says("sweep.braked", "Taking down many at once was stopped", group=GROUP, is_bad=lambda event: True)
def braked(event: Event) -> Notice:
    told = {**after(event), **event.payload}
    count, names = told.get("held"), told.get("environments")
    many = f"{count} environments" if isinstance(count, int) else "many environments"
    listed = ", ".join(map(text, names[:20])) if isinstance(names, list) else ""
    return Notice(
        f"A sweep wanted to take down {many} at once, and was stopped. Somebody has to look",
        facts_of(("Because", text(told.get("reason"))), ("Held", listed)),
        Link(page("pages:audit"), "See what happened"),
        tone="bad",
        emoji="octagonal_sign",
    )


@says("timer.expired", "A timer of an entity has run out", group="Catalog")
def timer_expired(event: Event) -> Notice:
    name = text(event.payload.get("property"))
    at = moment(event.payload.get("value"))
    return Notice(
        f"The timer “{name}” of {event.title} has run out",
        facts_of(("At", When(at) if at else text(event.payload.get("value")))),
        entity_page(event.blueprint, event.entity, "See it"),
        tone="waiting",
        emoji="alarm_clock",
        folds=True,
    )
