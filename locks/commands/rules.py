from django.db import transaction
from django.db.models import F, Func, Value

from locks.models import LockRule, RuleHold
from locks.rules import RuleWish
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, Invalid, Missing
from portal.kit.locking import advisory_lock

MOST = 200


@transaction.atomic
def lock_rule_create(wish: RuleWish, *, by: By) -> LockRule:
    """Raises Refused, Invalid when another has its name."""
    require(by, "lock_rule.write")
    advisory_lock("lock rules")
    if LockRule.objects.count() >= MOST:
        raise Invalid.at("name", f"there are {MOST} rules already; delete one first")
    rule = LockRule(**wish.columns)
    _check_name(rule)
    rule.save()
    record("lock_rule.created", rule.noun(), by=by, after=rule.facts())
    return rule


@transaction.atomic
def lock_rule_update(rule: LockRule, wish: RuleWish, *, seen: str = "", by: By) -> LockRule:
    """Locks that it has taken keep their terms; what it would have locked in a dry run ends when that does.

    The same again is no event. `seen` is the version that the wish was made from; Conflict when it has changed since.
    """
    require(by, "lock_rule.write")
    advisory_lock("lock rules")
    rule = _held(rule)
    if seen and seen != str(rule.version):
        raise Conflict("Somebody has changed this rule meanwhile. Open it again and look.", code="rule_changed")
    before = rule.facts()
    for name, value in wish.columns.items():
        setattr(rule, name, value)
    if rule.facts() == before:
        return rule
    _check_name(rule)
    rule.version += 1
    rule.save(update_fields=[*wish.columns, "version"])
    if not rule.dry_run or not rule.enabled:
        _end_trials(rule, "the rule was changed")
    record("lock_rule.updated", rule.noun(), by=by, before=before, after=rule.facts())
    return rule


@transaction.atomic
def lock_rule_delete(rule: LockRule, *, by: By) -> None:
    """Its locks stay until they end, by the health of what they were taken for. Missing when it is gone already."""
    require(by, "lock_rule.write")
    advisory_lock("lock rules")
    rule = _held(rule)
    noun, facts = rule.noun(), rule.facts()
    _end_trials(rule, "the rule was deleted")
    rule.evidence.filter(hold=None).delete()
    rule.delete()
    record("lock_rule.deleted", noun, by=by, before=facts)


def rules_rename(kind: str, old: str, new: str) -> None:
    """What is called otherwise is still what the rules hold for. `kind` is services or environments."""
    named = LockRule.objects.filter(**{f"{kind}__contains": [old]})
    named.update(**{kind: Func(F(kind), Value(old), Value(new), function="array_replace")})


def _held(rule: LockRule) -> LockRule:
    found: LockRule | None = LockRule.objects.select_for_update().filter(pk=rule.pk).first()
    if found is None:
        raise Missing("There is no such rule. It may have been deleted.")
    return found


def _check_name(rule: LockRule) -> None:
    if LockRule.objects.filter(name__iexact=rule.name).exclude(pk=rule.pk).exists():
        raise Invalid.at("name", "another rule has it already")


def _end_trials(rule: LockRule, because: str) -> None:
    trials = RuleHold.objects.filter(rule=rule, lock=None, ended_at=None)
    trials.update(ended_at=database_now(), ended_because=because, release_at=None)
