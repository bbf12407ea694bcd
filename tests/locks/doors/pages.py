from django.test import Client

from tests.locks.doors.door import DONE, HELD, PLACE, REASON, REFUSED, WHY, Door, filled

LOCK = PLACE | {"scope": "pair", "reason": REASON, "duration": "2h", "effect": "block"}
FREEZE = {"title": "Year end", "reason": "books", "starts": "2030-01-01T00:00", "length": "1d", "timezone": "UTC"}
FREEZE |= PLACE | {"scope": "pair", "repeats": "", "interval": "1", "monthly": "date", "effect": "block"}
OVERRIDE = PLACE | {"passes": "{id}", "commit": "4f2a9c1", "reason": REASON, "life": "30m", "max_uses": "1"}
RELEASE, LONGER = "/locks/{id}/release", ("/locks/{id}/extension", {"until": "open"})
CHANGE = ("/locks/freezes/{id}/edit", FREEZE | {"seen": "{edition}"})
END = ("/locks/freezes/{id}/withdrawal", {})
STOP, LEAVE = "/locks/claims/{id}/revocation", "/locks/tickets/{id}/withdrawal"
APPROVE, WITHDRAW = "/locks/overrides/{id}/approval", "/locks/overrides/{id}/withdrawal"
RULE = {"name": "Watchful", "on": ["verdict"], "scope": "pair", "effect": "block", "healthy_for": "5m", "at_most": "1h"}
RULE |= {"reason": "it is not well", "mode": "dry"}

DEEDS = {
    "take a lock": ("/locks/", LOCK),
    "take another's lock over": ("/locks/", LOCK),
    "take another's lock over, by force": ("/locks/", LOCK | {"steal": "1"}),
    "take another's lock over, by force, silent": ("/locks/", LOCK | {"steal": "1", "reason": ""}),
    "release one's own lock": (RELEASE, {}),
    "release another's lock, by force": (RELEASE, {"reason": REASON}),
    "release another's lock, by force, silent": (RELEASE, {}),
    "extend one's own lock": LONGER,
    "extend another's lock": LONGER,
    "make a freeze": ("/locks/freezes/new", FREEZE),
    "change one's own freeze": CHANGE,
    "change another's freeze": CHANGE,
    "end one's own freeze": END,
    "end another's freeze": END,
    "ask to pass another's lock": ("/locks/overrides/new", OVERRIDE),
    "approve one's own override": (APPROVE, {}),
    "approve another's override": (APPROVE, {}),
    "withdraw one's own override": (WITHDRAW, {}),
    "withdraw another's override": (WITHDRAW, {}),
    "stop one's own claim": (STOP, {}),
    "stop another's claim": (STOP, {}),
    "leave with one's own ticket": (LEAVE, {}),
    "leave with another's ticket": (LEAVE, {}),
    "issue a code": ("/locks/codes/new", {"environment": "production", "count": "1", "life": "90"}),
    "revoke another's code": ("/locks/codes/{id}/revocation", {}),
    "make a rule": ("/locks/rules/new", RULE),
    "change another's rule": ("/locks/rules/{id}/edit", RULE),
    "delete another's rule": ("/locks/rules/{id}/deletion", {}),
}
HEARD = {"holds it already": HELD, "ay why": WHY}
NOT_YOURS = (
    "may not break glass",
    "may not extend",
    "may not make and change freezes",
    "You own none",
    "not one of the available choices",
)
PLAIN = {403: REFUSED, 409: HELD}


def browser_of(who):
    client = Client(raise_request_exception=False)
    if who.user:
        client.force_login(who.user)
    return client


def ask(who, how, what):
    response = browser_of(who).post(*filled(how, what))
    if response.status_code in (204, 302, 303):
        return REFUSED if response.headers.get("Location", "").startswith("/sign-in") else DONE
    if response.status_code == 200:  # codes are shown once, in the answer
        return DONE
    if response.status_code in PLAIN:
        return PLAIN[response.status_code]
    assert response.status_code == 422, response
    text = response.content.decode()
    if any(words in text for words in NOT_YOURS):
        return REFUSED
    return next(answer for words, answer in HEARD.items() if words in text)


PAGES = Door("page", DEEDS, ask, for_people=True)
