from tests.conftest import V1
from tests.locks.doors.door import DONE, FENCE, HELD, PLACE, REASON, REFUSED, WHY, Door, filled

LOCK = PLACE | {"reason": REASON, "duration": "2h"}
FREEZE = PLACE | {"title": "Quarter end", "reason": "books", "starts": "2030-01-01T00:00", "duration": "1d"}
OVERRIDE = PLACE | {"passes": ["{id}"], "commit": "4f2a9c1", "reason": REASON}
RUN = PLACE | {"ci": {"provider": "gh", "run": "1"}}
BEAT = ("post", "claims/{id}/heartbeat", {"fence": FENCE})
FINISH = ("post", "claims/{id}/finish", {"fence": FENCE})
LONGER = ("post", "locks/{id}/extension", {"duration": "9h"})
RULE = {"name": "Canary", "on": ["verdict"], "reason": "It is not well"}
CHANGE = ("patch", "freezes/{id}", {"title": "Year end"})
APPROVE = ("post", "overrides/{id}/approval", {})

DEEDS = {
    "ask the gate": ("get", "gate?service=checkout&environment=production", {}),
    "read locks": ("get", "locks", {}),
    "take a lock": ("post", "locks", LOCK),
    "take another's lock over": ("post", "locks", LOCK),
    "take another's lock over, by force": ("post", "locks", LOCK | {"steal": True}),
    "take another's lock over, by force, silent": ("post", "locks", LOCK | {"steal": True, "reason": ""}),
    "release one's own lock": ("delete", "locks/{id}", {}),
    "release another's lock": ("delete", "locks/{id}?reason=because", {}),
    "release another's lock, by force": ("delete", "locks/{id}?steal=true&reason=because", {}),
    "release another's lock, by force, silent": ("delete", "locks/{id}?steal=true", {}),
    "extend one's own lock": LONGER,
    "extend another's lock": LONGER,
    "make a freeze": ("post", "freezes", FREEZE),
    "change one's own freeze": CHANGE,
    "change another's freeze": CHANGE,
    "end one's own freeze": ("delete", "freezes/{id}", {}),
    "end another's freeze": ("delete", "freezes/{id}", {}),
    "make a rule": ("post", "locks/rules", RULE),
    "change another's rule": ("patch", "locks/rules/{id}", {"reason": "It is ill"}),
    "delete another's rule": ("delete", "locks/rules/{id}", {}),
    "ask to pass another's lock": ("post", "overrides", OVERRIDE),
    "approve one's own override": APPROVE,
    "approve another's override": APPROVE,
    "withdraw one's own override": ("delete", "overrides/{id}", {}),
    "withdraw another's override": ("delete", "overrides/{id}", {}),
    "begin a deploy": ("post", "claims", RUN),
    "go on with one's own claim": BEAT,
    "go on with another's claim": BEAT,
    "finish one's own claim": FINISH,
    "finish another's claim": FINISH,
    "stop one's own claim": ("delete", "claims/{id}", {}),
    "stop another's claim": ("delete", "claims/{id}", {}),
    "wait in line": ("post", "tickets", RUN),
    "leave with one's own ticket": ("delete", "tickets/{id}", {}),
    "leave with another's ticket": ("delete", "tickets/{id}", {}),
    "issue a code": ("post", "break-glass/codes", {"environment": "production"}),
    "revoke another's code": ("delete", "break-glass/codes/{id}", {}),
    "tell of a used code": ("post", "break-glass/uses", RUN | {"code": "pcg-x", "reason": REASON}),
    "change the limits": ("patch", "limits/staging", {"shortest_reason": 9}),
}
HEARD = {401: REFUSED, 403: REFUSED, 409: HELD, 422: WHY}


def send(who, how, what):
    method, path, body = filled(how, what)
    program = V1(who.token)
    return program.get(path) if method == "get" else program.send(method, path, body)


def ask(who, how, what):
    answer = send(who, how, what)
    return DONE if answer.status < 400 else HEARD[answer.status]


API = Door("api", DEEDS, ask)
