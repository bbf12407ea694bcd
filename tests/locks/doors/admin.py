from tests.locks.doors.door import DONE, HELD, REASON, REFUSED, WHY, Door, filled
from tests.locks.doors.pages import LOCK, browser_of

ADD, RELEASE = "/admin/locks/lock/add/", "/admin/locks/lock/{pk}/release/"
CHOSEN = ("/admin/locks/lock/", {"action": "release", "_selected_action": "{pk}"})
OFF = ("/admin/locks/lockrule/", {"action": "disable", "_selected_action": "{pk}"})
GONE = ("/admin/locks/lockrule/{pk}/delete/", {"post": "yes"})

DEEDS = {
    "take a lock": (ADD, LOCK),
    "take another's lock over": (ADD, LOCK),
    "take another's lock over, by force": (ADD, LOCK | {"steal": "1"}),
    "take another's lock over, by force, silent": (ADD, LOCK | {"steal": "1", "reason": ""}),
    "release one's own lock": CHOSEN,
    "release another's lock": CHOSEN,
    "release another's lock, by force": (RELEASE, {"reason": REASON}),
    "release another's lock, by force, silent": (RELEASE, {}),
    "change another's rule": OFF,
    "delete another's rule": GONE,
}


def ask(who, how, what):
    response = browser_of(who).post(*filled(how, what))
    if response.status_code == 302:
        return REFUSED if "?next=" in response["Location"] else DONE
    assert response.status_code == 422, (response.status_code, response.content[:300])
    text = response.content.decode()
    return HELD if "already locked" in text else WHY


ADMIN = Door("admin", DEEDS, ask, for_people=True, only=frozenset({"alice"}))
