"""Of people, teams, credentials and what belongs to the organisation."""

from portal.accounts.commands import credential_create, team_create, user_create, user_invite
from portal.accounts.feeds import feed_renew
from portal.accounts.models import Credential
from portal.accounts.organization import secret_create
from portal.accounts.queries import actor_of_user
from portal.kit.by import Actor, By
from tests.conftest import SETUP

A_PERSON = By(Actor("user", "user:2", "Sam", is_admin=True), "page")

CASES = {
    "user_create": (lambda do, shop: do("d@example.org", "Dan", password=None, by=SETUP), ["user.created"]),
    "user_update": (
        lambda do, shop: do(dan(), {"role": "admin"}, password="a new one", by=SETUP),
        ["user.created", "user.updated"],
    ),
    "user_delete": (lambda do, shop: do(dan(), by=SETUP), ["user.created", "user.deleted", "entity.deleted"]),
    "user_join": (
        lambda do, shop: do(dan(), teams=[ops().identifier], by=SETUP),
        ["user.created", "team.created", "team.updated"],
    ),
    "user_invite": (lambda do, shop: do("e@example.org", by=SETUP), ["user.created", "user.invited"]),
    "invitation_accept": (
        lambda do, shop: do(invitation(), name="Eve", password="a new one", by=SETUP),
        ["user.created", "user.invited", "user.joined"],
    ),
    "credential_rotate": (lambda do, shop: do(credential(), by=SETUP), ["credential.created", "credential.rotated"]),
    "credential_permit": (
        lambda do, shop: do(credential(), creates_services=True, by=SETUP),
        ["credential.created", "credential.updated"],
    ),
    "credential_rename": (
        lambda do, shop: do(credential(), "y", by=SETUP),
        ["credential.created", "credential.updated"],
    ),
    "personal_credential_rotate": (
        lambda do, shop: do(dan(), by=SETUP),
        ["user.created", "credential.created"],
    ),
    "organization_update": (lambda do, shop: do({"name": "Larder"}, by=SETUP), ["organization.updated"]),
    "feed_renew": (lambda do, shop: do(by=person()), ["user.created", "feed.made"]),
    "feed_revoke": (lambda do, shop: do(by=subscriber()), ["user.created", "feed.made", "feed.revoked"]),
    "feed_secret": (lambda do, shop: do(by=subscriber()), ["user.created", "feed.made"]),
    "secret_create": (lambda do, shop: do("a", "b", by=SETUP), ["secret.created"]),
    "secret_update": (lambda do, shop: do(secret(), value="c", by=SETUP), ["secret.created", "secret.updated"]),
    "secret_delete": (lambda do, shop: do(secret(), by=SETUP), ["secret.created", "secret.deleted"]),
    "team_update": (
        lambda do, shop: do(ops(), title="Operations", members=[], by=SETUP),
        ["team.created", "team.updated"],
    ),
    "team_delete": (lambda do, shop: do(ops(), by=SETUP), ["team.created", "team.deleted", "entity.deleted"]),
    "team_create": (lambda do, shop: do("ops", "Ops", members=[], by=SETUP), ["team.created"]),
    "credential_create": (lambda do, shop: do("x", kind="ci", scopes=[], by=SETUP), ["credential.created"]),
    "credential_revoke": (
        lambda do, shop: do(credential(), by=SETUP),
        ["credential.created", "credential.revoked"],
    ),
}


def dan():
    return user_create("d@example.org", "Dan", password=None, by=SETUP)


def invitation():
    return user_invite("e@example.org", by=SETUP)[1]


def person():
    return By(actor_of_user(dan()), "page")


def subscriber():
    by = person()
    feed_renew(by=by)
    return by


def secret():
    return secret_create("a", "b", by=SETUP).name


def ops():
    return team_create("ops", "Ops", members=[], by=SETUP)


def credential():
    credential_create("x", kind="ci", scopes=[], by=SETUP)
    return Credential.objects.get(name="x")
