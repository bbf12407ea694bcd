"""Looks at a whole history: the rows and events in the database, and what each process was told and when."""

import json
from collections import Counter, defaultdict
from itertools import pairwise

from locks.decisions import covers_of
from locks.models import Claim, Lock, Override, Ticket
from portal.audit.models import Event
from portal.kit.clock import iso


def told(folder):
    lines = [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]
    return sorted(lines, key=lambda each: each["at"])


def counts(history):
    """How often each thing was done, and granted."""
    grants = (each for each in history if each["deed"] == "begin" and each["granted"])
    return Counter(each["deed"] for each in history) + Counter(grant=sum(1 for _ in grants))


def faults(history, places):
    """Sentences, one for each thing that must never be."""
    yield from one_at_a_time()
    yield from nobody_inside_together(history)
    yield from no_gap_between_check_and_act(history, places)
    yield from overrides_kept_within_bounds()
    yield from served_in_order()
    yield from each_change_told_once()
    yield from one_claim_for_a_run()


def by_pair(rows):
    pairs = defaultdict(list)
    for row in rows:
        pairs[row.service_id, row.environment_id].append(row)
    return pairs


def one_at_a_time():
    """Grants of a pair do not overlap, and their fences go up."""
    for claims in by_pair(Claim.objects.order_by("begun_at", "fence")).values():
        for first, second in pairwise(claims):
            if second.fence <= first.fence:
                yield f"the fence went back from {first.fence} to {second.fence}"
            if first.finished_at is None or first.finished_at > second.begun_at:
                yield f"{first} {first.fence} lasted until {first.finished_at}, {second.fence} began {second.begun_at}"
            if first.outcome == "lapsed" and first.finished_at != first.lease_until:
                yield f"{first} {first.fence} lapsed, but not at the end of its lease"


def one_claim_for_a_run():
    """Who asks again, because the answer was lost, is given what he has, unless he has lost that by his silence."""
    runs = defaultdict(list)
    for claim in Claim.objects.order_by("fence"):
        runs[claim.run].append(claim)
    for run, claims in runs.items():
        if any(each.outcome != "lapsed" for each in claims[:-1]):
            yield f"{run} was given {len(claims)} claims"


def nobody_inside_together(history):
    """By the clients' own clocks: whoever keeps to his lease was alone in there."""
    inside = {each["claim"]: (each["since"], each["until"]) for each in history if each["deed"] == "held"}
    for claims in by_pair(Claim.objects.order_by("fence")).values():
        spans = [inside[str(each.public_id)] for each in claims if str(each.public_id) in inside]
        for first, second in pairwise(sorted(spans)):
            if first[1] > second[0]:
                yield f"two clients were inside together: {first} and {second}"


def no_gap_between_check_and_act(history, places):
    """No grant while a lock that covers it was on, unless an override names all of them.

    A lock starts by the database's clock with its scope held, and a claim begins with all its scopes held; so whichever
    is the later of the two must have seen the other. A release holds nothing: a grant may come while it is under way.
    """
    began = {each["run"]: (each["sent"], each["at"]) for each in history if each["deed"] == "begin" and each["granted"]}
    released = {each["lock"]: each["sent"] for each in history if each["deed"] == "unlock"}
    covers = {(each.service_id, each.environment_id): set(covers_of(each)) for each in places}
    locks = list(Lock.objects.filter(effect="block"))
    for claim in Claim.objects.select_related("override"):
        over = set(claim.override.passes) if claim.override else set()
        for lock in locks:
            ends = [each for each in (lock.released_at, lock.expires_at) if each]
            on = lock.starts_at <= claim.begun_at < min(ends)
            if not on or lock.cover not in covers[claim.service_id, claim.environment_id] or lock.public_id in over:
                continue
            _, answered = began.get(claim.run, (0, float("inf")))  # who was killed in between was told nothing
            if released.get(str(lock.public_id), 0 if lock.released_at else float("inf")) > answered:
                yield f"{claim} {claim.fence} began {claim.begun_at} under a lock from {lock.starts_at} to {min(ends)}"


def overrides_kept_within_bounds():
    for override in Override.objects.prefetch_related("uses", "claims"):
        uses = {each.run for each in override.uses.all()}
        if len(uses) > override.max_uses:
            yield f"{override} was used {len(uses)} times of {override.max_uses}"
        for claim in override.claims.all():
            same = (claim.service_id, claim.environment_id, claim.commit)
            if claim.run not in uses:
                yield f"{override}: the use by {claim.run} was not counted"
            if same != (override.service_id, override.environment_id, override.commit):
                yield f"{override} passed another place or commit"
            if claim.begun_at >= override.expires_at:
                yield f"{override} passed a claim after its end"


def served_in_order():
    """Nobody begins while somebody else who came before still waits."""
    tickets = by_pair(Ticket.objects.order_by("id"))
    for pair, claims in by_pair(Claim.objects.order_by("fence")).items():
        for claim in claims:
            waiting = [each for each in tickets[pair] if _waits(each, claim.begun_at)]
            if waiting and waiting[0].run != claim.run:
                yield f"{claim.run} began while {waiting[0].run} was the first to wait"


def _waits(ticket, at):
    """At its own grant it still does."""
    return ticket.arrived_at < at < ticket.lease_until and (ticket.ended_at is None or at <= ticket.ended_at)


def each_change_told_once():
    """Exactly one event for each change of a claim, and the last says what the row says."""
    told = defaultdict(list)
    for event in Event.objects.filter(noun="claim").order_by("id"):
        told[event.noun_id].append(event)
    for claim in Claim.objects.all():
        events = told.pop(str(claim.public_id), [])
        names = [each.name for each in events]
        if names[:1] != ["claim.begun"] or len(names) != len(set(names)):
            yield f"{claim} {claim.fence} was told as {names}"
        elif events[-1].after != claim.facts():
            yield f"{claim} {claim.fence} is not as its last event says"
        elif claim.finished_at and events[1].after["finished_at"] != iso(claim.finished_at):
            yield f"{claim} {claim.fence} ended twice"
    for noun in told:
        yield f"events of a claim {noun} that is not there"
