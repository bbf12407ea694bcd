"""Random histories of locks, freezes and overrides beside a model that knows nothing but sets."""

import random
from datetime import timedelta

from catalog import queries as catalog
from locks import scopes
from locks.commands import (
    freeze_create,
    freeze_withdraw,
    lock_extend,
    lock_release,
    lock_take,
    override_approve,
    override_ask,
)
from locks.queries import decide, decide_many
from locks.wishes import parse
from portal.kit.by import Actor, By
from portal.kit.clock import database_now
from portal.kit.errors import PortalError
from tests.conftest import write

ALICE = By(Actor("user", "user:1", "Alice", is_admin=True), "page")
SAM = By(Actor("user", "user:2", "Sam", is_admin=True), "page")
CI = By(Actor("credential", "credential:0", "CI", scopes=frozenset({"gate"})), "api")
CALLERS = [ALICE, SAM, CI]
TICK, HOUR = timedelta(microseconds=1), timedelta(hours=1)
SCOPES = [
    ("pair", {"service": "checkout", "environment": "production"}),
    ("pair", {"service": "ads", "environment": "sandbox"}),
    ("service", {"service": "search"}),
    ("environment", {"environment": "staging"}),
    ("tier", {"tier": "production"}),
    ("tier", {"tier": "development"}),
    ("team", {"team": "payments"}),
    ("everything", {}),
]


class Bar:
    """What the model knows of a lock or freeze: whom it stops, where, from when until when."""

    def __init__(self, row, kind, names, holder, start, end):
        self.row, self.kind, self.names, self.holder = row, kind, names, holder
        self.effect, self.allows, self.start, self.end = row.effect, set(row.allows), start, end

    def stops(self, place, by, intent, at):
        return (not self.start or self.start <= at) and at < self.end and self.covers(place) and self.denies(by, intent)

    def covers(self, place):
        if self.kind == "team":
            return self.names["team"] in place.service_teams
        here = {"service": place.service, "environment": place.environment, "tier": place.tier}
        return all(here[name] == value for name, value in self.names.items())

    def denies(self, by, intent):
        person = by.actor.kind == "user"
        if intent == "rollback" and "rollback" in self.allows:
            return False
        if person and "holder" in self.allows and by is self.holder:
            return False
        return self.effect == "block" or (self.effect == "block_automation" and not person)


class History:
    def __init__(self, seed):
        write("environment", "sandbox", properties={"tier": "development"})
        write("service", "ads", team=("growth", "payments"))
        self.draw, self.bars, self.overrides = random.Random(seed), [], []
        names = [(s, e) for s in ("checkout", "search", "ads") for e in ("production", "staging", "sandbox")]
        self.places = [catalog.place(*each) for each in names]
        self.start = database_now()

    def play(self, steps):
        """Sentences, one for each disagreement."""
        for _ in range(steps):
            before = self.denied()
            deed = self.draw.choice(["take", "take", "release", "extend", "freeze", "thaw", "override"])
            try:
                deed = getattr(self, deed)()
            except PortalError:
                deed = "nothing"
            after = self.denied()
            # Adding never opens, taking away never closes.
            if deed == "added" and before - after:
                yield f"adding opened {before - after}"
            if deed == "removed" and after - before:
                yield f"removing closed {after - before}"
            yield from self.disagreements()

    def denied(self):
        at = self.start + HOUR / 2
        together = decide_many(self.places, now=at)
        return {place for place, decision in together.items() if decision.denies}

    def disagreements(self):
        edges = [each for bar in self.bars for each in (bar.start, bar.end) if each] or [self.start]
        at = self.draw.choice(edges) + self.draw.choice([-TICK, timedelta(), TICK])
        place, by, intent = (
            self.draw.choice(self.places),
            self.draw.choice(CALLERS),
            self.draw.choice(["deploy", "rollback"]),
        )
        override = self.draw.choice([None, *(each for each in self.overrides if each.service_id == place.service_id)])
        stopping = {bar.row.public_id for bar in self.bars if bar.stops(place, by, intent, at)}
        good = override and override.environment_id == place.environment_id and at < override.expires_at
        try:
            found = decide(place, by=by, intent=intent, now=at, override=override, commit="c").denies
        except PortalError:
            found = "refused"
        wanted = bool(stopping) and not (good and stopping <= set(override.passes))
        if found != ("refused" if override and not good else wanted):
            yield f"{place.service} in {place.environment} at {at} for {by.actor.name}: {found}, not {wanted}"
        together = decide_many(self.places, now=at)
        for each in self.places:
            wanted = any(bar.stops(each, CI, "deploy", at) for bar in self.bars)
            if together[each.service_id, each.environment_id].denies != wanted:
                yield f"in the batch {each.service} in {each.environment} at {at}: not {wanted}"

    def take(self):
        kind, names = self.draw.choice(SCOPES)
        holder, at = self.draw.choice([ALICE, SAM]), database_now()
        lock = lock_take(
            scopes.named(kind, **names),
            reason="random",
            until=at + self.draw.choice([HOUR / 4, HOUR, 2 * HOUR]),
            effect=self.draw.choice(["block", "block", "block_automation", "warn"]),
            kind=self.draw.choice(["manual", "incident", "canary"]),
            allows=self.draw.choice([[], [], ["rollback"], ["holder"]]),
            by=holder,
        )
        # One taken for now holds at every instant before as well, should the server's clock jump back.
        self.bars.append(Bar(lock, kind, names, holder, None, lock.expires_at))
        return "added"

    def release(self):
        bar = self.draw.choice([each for each in self.bars if hasattr(each.row, "kind")] or [None])
        if bar is None:
            return "nothing"
        # By its id: whatever else its holder holds stays.
        lock_release(bar.row, by=ALICE)
        self.bars.remove(bar)
        return "removed"

    def extend(self):
        bar = self.draw.choice([each for each in self.bars if hasattr(each.row, "kind")] or [None])
        if bar is None:
            return "nothing"
        bar.end = lock_extend(bar.row, bar.end + HOUR / 4, by=ALICE).expires_at
        return "added"

    def freeze(self):
        kind, names = self.draw.choice(SCOPES)
        starts = (self.start + self.draw.choice([-HOUR, HOUR / 4, HOUR])).replace(second=0, microsecond=0)
        wish = parse(
            {
                "title": "Quarter end",
                "reason": "random",
                "starts": starts.strftime("%Y-%m-%dT%H:%M"),
                "duration": "2h",
                "effect": self.draw.choice(["block", "block", "block_automation", "warn"]),
                "allows": self.draw.choice([[], ["rollback"]]),
            }
        )
        freeze = freeze_create(scopes.named(kind, **names), wish, by=ALICE)
        self.bars.append(Bar(freeze, kind, names, ALICE, starts, starts + 2 * HOUR))
        return "added"

    def thaw(self):
        bar = self.draw.choice([each for each in self.bars if not hasattr(each.row, "kind")] or [None])
        if bar is None:
            return "nothing"
        freeze_withdraw(bar.row, by=ALICE)
        self.bars.remove(bar)
        return "removed"

    def override(self):
        place = self.draw.choice(self.places)
        seen = decide(place, by=ALICE)
        bars = [*seen.locks, *seen.freezes]
        named = self.draw.sample(bars, self.draw.randint(1, len(bars))) if bars else []
        asked = override_ask(
            place, [each.public_id for each in named], commit="c", reason="a fire that has to be put out", life=HOUR, by=ALICE
        )  # fmt: skip
        self.overrides.append(override_approve(asked, by=SAM))
        return "nothing"
