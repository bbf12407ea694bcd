"""Addresses that calendars read: they send no headers and never sign in (docs/decisions/0022-calendar-feeds.md)."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from portal.accounts.models import Feed, User
from portal.accounts.policy import require
from portal.accounts.queries import actor_of_user
from portal.audit.record import record
from portal.kit.by import Actor, By
from portal.kit.errors import Conflict, Missing, Refused
from portal.kit.ids import hashed, random_text
from portal.kit.seal import seal, unseal


@transaction.atomic
def feed_renew(kind: str = Feed.Kind.FREEZES, *, by: By) -> str:
    """The secret of a new address for the one who asks. The old one is good for nothing from now on."""
    user = _person(by)
    secret = random_text(40)
    fresh = {"secret_hash": hashed(secret), "sealed": seal(secret), "made_at": timezone.now(), "read_at": None}
    feed, made = Feed.objects.update_or_create(user=user, kind=kind, defaults=fresh)
    record("feed.made" if made else "feed.renewed", feed.noun(), by=by)
    return secret


@transaction.atomic
def feed_revoke(kind: str = Feed.Kind.FREEZES, *, by: By) -> None:
    """Twice is the same as once."""
    held = Feed.objects.select_for_update(of=("self",)).select_related("user")
    feed = held.filter(user=_person(by), kind=kind).first()
    if feed:
        record("feed.revoked", feed.noun(), by=by)
        feed.delete()


def _person(by: By) -> User:
    require(by, "feed.keep")
    if not by.actor.is_person:
        raise Refused("Only people have an address for their calendar. Programs read /v1.")
    return User.objects.select_for_update().get(pk=_key(by))


def _key(by: By) -> int:
    return int(by.actor.key.removeprefix("user:"))


def feed_secret(by: By, kind: str = Feed.Kind.FREEZES) -> str | None:
    """Of the viewer's own address; None when there is none, or when it was sealed under a key that is gone."""
    feed = Feed.objects.filter(user=_key(by), kind=kind).first()
    try:
        return unseal(feed.sealed) if feed else None
    except Conflict:
        return None


def feed_actor(secret: str, kind: str = Feed.Kind.FREEZES) -> Actor:
    """Who reads at the address. Raises Missing for one that was renewed, revoked, or is of an ended account."""
    known = Feed.objects.filter(secret_hash=hashed(secret), kind=kind, user__is_active=True)
    feed = known.select_related("user").first()
    if feed is None:
        where = "Freezes" if kind == Feed.Kind.FREEZES else "Timeline"
        raise Missing(f"No calendar is at this address any more. Make a new address on the page {where}.")
    now = timezone.now()
    Feed.objects.filter(Q(read_at=None) | Q(read_at__lt=now - timedelta(minutes=1)), pk=feed.pk).update(read_at=now)
    return actor_of_user(feed.user)
