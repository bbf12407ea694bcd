"""Bugs planted in watches and in rules that lock by themselves, each with the test that must notice it."""

from functools import partial

from deployments import watching
from deployments.commands import watches
from deployments.watching import Observed
from locks import queries
from locks.commands import signs
from tests.deployments import test_watches
from tests.deployments.test_watches import now, probe  # noqa: F401
from tests.journeys import test_watch_crashes
from tests.locks import test_rules
from tests.locks.conftest import place  # noqa: F401
from tests.locks.mutants import planting

COMMIT = "__import__('django').db.connection.connection.commit()"
BUGS = {
    # W1
    "what has no probe is watched": (partial(test_watches.test_what_nobody_can_say_anything_of_opens_none, case="no probe"), watches.watch_open, "not queries.watched_probes(config) or ", ""),
    "what is live no more is watched": (partial(test_watches.test_what_nobody_can_say_anything_of_opens_none, case="not live"), watches.watch_open, "or config.current_id != one.pk", ""),
    "it is over before its time": (test_watches.test_a_good_deployment_passes_at_the_end_and_not_before, watches._judged, "now >= watch.until", "now"),
    # W2
    "silence is a verdict": (test_watches.test_no_data_is_inconclusive, watching.judge, "if not heard:", "if False:"),
    "what failed before is its doing": (test_watches.test_what_failed_before_is_not_its_doing, Observed.is_worse.fget, " and self.fell > self.was", ""),
    "one failure fails it": (test_watches.test_k_failures_in_a_row_fail_it_at_once_and_what_made_it_so_is_kept, Observed.fell.fget, "self.failures", "1"),
    "maintenance fails it": (test_watches.test_maintenance_is_inconclusive, watching.judge, "and not muted", ""),
    # R1
    "what is late about a probe is believed": (test_rules.test_what_is_late_or_twice_about_a_probe_changes_nothing, signs._hear, "heard.event >= sign.order or ", ""),
    "each sign takes a lock": (test_rules.test_more_trouble_joins_the_lock_and_makes_it_last_longer, signs._act, "hold = _standing(rule, scope, now)", "hold = None"),
    "a dry run locks": (test_rules.test_a_dry_run_locks_nothing_and_says_what_it_would_have_locked, signs._begin, "if not rule.dry_run:", "if True:"),
    # R2
    "one probe that is well is enough": (test_rules.test_all_probes_of_the_place_have_to_be_healthy_but_those_that_are_paused, queries.well_since, "any(", "all("),
    "it opens as soon as it is well": (test_rules.test_it_is_released_once_the_place_has_been_healthy_for_ten_minutes, signs._due, " + hold.healthy_for", ""),
    # R3
    "what somebody released is locked again": (test_rules.test_what_a_person_has_released_is_not_locked_again_for_the_same_trouble, signs._act, "elif _let_go_since(rule, scope, _began(sign)):", "elif False:"),
    "what somebody made longer is made shorter": (test_rules.test_what_a_person_made_longer_is_not_made_shorter, signs._renew, "hold.lock.expires_at + rules.SAME <= until", "True"),
    # R4
    "it lasts as long as its rule likes": (test_rules.test_no_lock_is_longer_than_its_tier_allows, signs._begin, "min(rule.at_most, limits.of(scope.strictest_tier).greatest)", "rule.at_most"),
    "it lasts until somebody comes": (test_rules.test_with_nobody_to_say_that_it_is_well_it_lasts_two_hours_and_ends_with_every_worker_stopped, signs._begin, "now + min(", "now + 9 * min("),
}  # fmt: skip
KILLED = {
    # W1
    "a verdict is kept before it is told": (test_watch_crashes.test_what_was_not_told_when_somebody_was_killed_has_not_happened, watches.watch_look, "    record(", f"    {COMMIT}\n    record("),
    # R1
    "a lock is kept before its rule knows": (test_watch_crashes.test_what_was_not_told_when_somebody_was_killed_has_not_happened, signs._begin, "    hold = RuleHold", f"    {COMMIT}\n    hold = RuleHold"),
    # R2
    "what is unheard is passed over": (test_watch_crashes.test_nothing_is_let_go_while_something_is_unheard_or_the_prober_is_silent, signs.hold_release, "if unheard.", "if False and unheard."),
    "a prober that is dead is believed": (test_watch_crashes.test_nothing_is_let_go_while_something_is_unheard_or_the_prober_is_silent, signs.hold_release, "if not all(", "if not True and all("),
}  # fmt: skip

test_a_planted_bug_is_noticed = planting(BUGS)
test_a_planted_bug_is_noticed_once_somebody_was_killed = planting(KILLED, killed=True)
