from django.db.models import QuerySet

from portal.audit.models import Event


def events(*, noun: str = "", entity: tuple[str, str] | None = None, text: str = "", actor: str = "") -> QuerySet[Event]:
    """Newest first. `entity` is (blueprint, identifier); `text` matches title, name and actor."""
    found = Event.objects.order_by("-id")
    if noun:
        found = found.filter(noun=noun)
    if entity:
        found = found.filter(blueprint=entity[0], entity=entity[1])
    if actor:
        found = found.filter(actor_name__icontains=actor)
    if text:
        found = found.filter(title__icontains=text) | found.filter(name__icontains=text)
    return found


def beat() -> str:
    """Changes with every event. Ids commit out of order, so it names the newest fifty, not the greatest."""
    return ",".join(str(pk) for pk in Event.objects.order_by("-id").values_list("id", flat=True)[:50])
