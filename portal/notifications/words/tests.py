"""A route that is tried out: what it would say of an event that has happened."""

from portal.audit.models import Event
from portal.notifications.notice import TESTED, Link, Notice, kind_of, says
from portal.notifications.words.phrases import facts_of, page


@says(TESTED, "A route is tested", group="Notifications", matters=lambda event: False)  # no other route hears it
def tested(event: Event) -> Notice:
    of = Event.objects.filter(public_id=event.payload.get("of")).first() if event.payload.get("of") else None
    if of is not None and (kind := kind_of(of.name)):
        return kind.render(of).as_test()
    return Notice(
        f"The route “{event.title}” tells you here",
        facts_of(("Asked by", event.actor_name)),
        Link(page("notifications:list"), "See the routes"),
        emoji="test_tube",
    ).as_test()
