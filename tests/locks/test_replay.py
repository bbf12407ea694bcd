"""S10: whatever is done at the gate, its events tell it: played again from the first they give the tables as they are."""

from collections import defaultdict
from datetime import timedelta

import pytest
from django.apps import apps

from catalog import queries as catalog
from locks.commands import (
    claim_begin,
    claim_finish,
    claim_heartbeat,
    claim_revoke,
    claims,
    claims_lapse,
    code_revoke,
    code_use,
    codes_issue,
    freeze_change,
    freezes_tell,
    limits_set,
    lines_advance,
    lock_expiries_tell,
    lock_extend,
    lock_take,
    locks,
    override_withdraw,
    ticket_join,
    ticket_withdraw,
    tickets,
)
from locks.models import Claim, Freeze, Lock, Override, Ticket
from locks.runs import Run
from locks.wishes import parse
from portal.audit.models import Event
from portal.kit.clock import database_now
from portal.kit.errors import PortalError
from tests.locks.history import ALICE, CI, SAM, History
from tests.locks.mutants import plant

# What the clock tells of, which nobody has changed.
ONLY_TOLD = {"lock.expired", "freeze.began", "freeze.ended"}
NOUNS = {"lock", "freeze", "claim", "ticket", "override", "break_glass_code", "break_glass_use", "tier_limits"}
SECOND = timedelta(seconds=1)


class Life(History):
    """A history with everything else that happens at the gate as well."""

    DEEDS = [
        *["take", "release", "extend", "freeze", "thaw", "override", "begin", "begin", "finish", "go_on", "stop", "wait"],
        *["leave", "silence", "expire", "steal", "change", "withdraw", "code", "limit", "again", "tick"],
    ]  # fmt: skip

    def __init__(self, seed):
        super().__init__(seed)
        self.runs = 0

    def live(self, steps):
        for _ in range(steps):
            try:
                getattr(self, self.draw.choice(self.DEEDS))()
            except PortalError:
                pass  # refused, and so nothing to tell

    def one(self, rows):
        found = list(rows.order_by("pk"))
        return self.draw.choice(found) if found else None

    def run(self):
        self.runs += 1
        return Run(f"gh:{self.runs}:1")

    def begin(self):
        claim_begin(self.draw.choice(self.places), self.run(), by=CI)

    def finish(self):
        if claim := self.one(Claim.objects):
            claim_finish(claim, claim.fence, self.draw.choice(["success", "failure"]), by=CI)

    def go_on(self):
        if claim := self.one(Claim.objects.filter(finished_at=None)):
            claim_heartbeat(claim, claim.fence, by=CI)

    def stop(self):
        if claim := self.one(Claim.objects.filter(finished_at=None)):
            claim_revoke(claim, by=ALICE)

    def wait(self):
        ticket_join(self.draw.choice(self.places), self.run(), by=CI)

    def leave(self):
        if ticket := self.one(Ticket.objects):
            ticket_withdraw(ticket, by=CI)

    def silence(self):
        """Somebody gives no more signs of life."""
        for model, ended in ((Claim, {"finished_at": None}), (Ticket, {"ended_at": None})):
            if row := self.one(model.objects.filter(**ended)):
                model.objects.filter(pk=row.pk).update(lease_until=database_now() - SECOND)

    def expire(self):
        if lock := self.one(Lock.objects.filter(released_at=None)):
            lock_extend(lock, database_now() + timedelta(milliseconds=1), by=ALICE)

    def steal(self):
        if lock := self.one(Lock.objects.active(database_now()).exclude(service=None)):
            lock_take(locks.scope_of(lock), reason="mine now", kind=lock.kind, effect=lock.effect, steal=True, by=SAM)

    def change(self):
        if freeze := self.one(Freeze.objects):
            wish = parse({"title": self.draw.choice(["Audit", "Stocktaking"])}, base=freeze)
            freeze_change(freeze, wish, by=SAM)

    def withdraw(self):
        if override := self.one(Override.objects):
            override_withdraw(override, by=SAM)

    def code(self):
        (code, text), *_ = codes_issue(catalog.environment_named("production"), by=ALICE)
        if self.draw.random() < 0.5:
            code_revoke(code, by=SAM), code_revoke(code, by=SAM)
        place = self.draw.choice(self.places)
        code_use(text, place, self.run(), reason="all is down", used_at=database_now(), by=ALICE)

    def limit(self):
        limits_set(self.draw.choice(["test", "staging"]), {"shortest_reason": self.draw.choice([4, 5])}, by=ALICE)

    def again(self):
        """What has been done is done once more."""
        if lock := self.one(Lock.objects):
            locks.lock_release(lock, by=ALICE), locks.lock_release(lock, by=SAM)

    def tick(self):
        claims_lapse(), lines_advance(), lock_expiries_tell(), freezes_tell()


def contradictions():
    """Sentences, one for each row that is not as its events say, and for each event too much."""
    told = defaultdict(list)
    for event in Event.objects.filter(noun__in=NOUNS).order_by("id"):
        told[event.noun, event.noun_id].append(event)
    for model in models():
        for row in model.objects.all():
            events = told.pop((row.noun().kind, row.noun().id), [])
            if not events:
                yield f"nothing tells of {row}"
            elif replayed(events) != row.facts():
                yield f"{row} is {row.facts()}, and its events come to {replayed(events)}"
            yield from (f"{each.name} tells of no change" for each in events if is_idle(each))
    for noun in told:
        yield f"events of {noun}, which is not there"


def replayed(events):
    """What the events come to, one after the other; None where one does not begin at what the last one left."""
    state = events[0].before
    for event in events:
        if event.before != state and event.before is not None:
            return None
        state = event.after
    return state


def is_idle(event):
    return event.before == event.after and event.name not in ONLY_TOLD


def models():
    return [each for each in apps.get_app_config("locks").get_models() if hasattr(each, "noun")]


@pytest.mark.parametrize("seed", range(3))
def test_events_played_again_give_the_tables(shop, seed):
    Life(seed).live(150)
    assert list(contradictions()) == []
    assert {each.noun for each in Event.objects.all()} >= NOUNS


BUGS = {
    "an extension tells the old end": (locks.lock_extend, "after=lock.facts()", "after=before"),
    "a lock that is taken over is not told of": (locks._end, 'record("lock.released"', 'stolen or record("lock.released"'),
    "what stays as it was is told": (freeze_change, "if freeze.facts() == before:", "if False:"),
    "who lapses is not told of": (claims._end, "record(", "lapsed or record("),
    "a ticket's end is told before it is written": (tickets._end, "after=ticket.facts()", "after=before"),
    "a change of limits is told without what was before": (limits_set, "after=row.facts()", "after=before.facts()"),
}  # fmt: skip


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_noticed(shop, monkeypatch, bug):
    plant(monkeypatch, *BUGS[bug])
    Life(0).live(150)
    assert list(contradictions())
