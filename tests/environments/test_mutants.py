"""Bugs planted on purpose, each with the test that must notice it."""

from deployments.environments import holds, rounds, terms
from deployments.environments.commands import brake, clock, lives, orphans, outcomes, work
from tests.environments import test_clock, test_crash, test_gone, test_orphans
from tests.locks.mutants import planting

BUGS = {
    # E1
    "it ends a minute early": (test_clock.test_it_is_torn_down_at_its_end_and_not_a_moment_before, clock.environment_warn_or_expire, "deadline <= now", "deadline <= now + LOOK_AGAIN"),
    "a lock holds nothing": (test_clock.test_a_lock_holds_it_beyond_its_end_up_to_the_hard_cap, holds.lock_on, "lock: Lock | None = found", "lock = None and found"),
    "a pin holds nothing": (test_clock.test_a_pin_holds_what_its_pull_request_would_take, holds.hold, "environment.pinned_until > now", "False"),
    "quiet hours are read in UTC": (test_clock.test_in_the_quiet_hours_of_its_owner_nothing_ends, holds.zone_of, "environment.owner.timezone", "'Asia/Tokyo'"),
    "a lock holds for ever": (test_clock.test_the_hard_cap_ends_it_whatever_holds_it, holds.hold, "now >= environment.hard_until", "False"),
    "a clock that was ahead is believed": (test_clock.test_what_a_clock_that_was_ahead_has_left_is_put_right_when_it_is_set_back, clock._is_early, "environment.deadline > now", "False"),
    # E2
    "an extension re-arms no warning": (test_clock.test_each_warning_is_told_once_and_again_after_an_extension, clock.environment_warn_or_expire, 'deadline=environment.deadline, minutes=minutes, defaults={"at": now}', 'minutes=minutes, defaults={"at": now, "deadline": environment.deadline}'),
    "a warning is told at every look": (test_clock.test_two_ticks_at_once_and_a_clock_that_goes_back_tell_nothing_twice, clock.environment_warn_or_expire, "if not is_new:", "if False:"),
    "every warning that was missed is told": (test_clock.test_each_warning_is_told_once_and_again_after_an_extension, terms.warning_due, "return min(due, default=None)", "return max(due, default=None)"),
    # E3
    "what is being torn down is extended": (test_clock.test_an_extension_from_the_last_moment_saves_it_and_one_after_it_is_refused, lives._check_timed, "not in TIMED", "not in [*TIMED, *GOING]"),
    "an extension saves nothing": (test_clock.test_an_extension_from_the_last_moment_saves_it_and_one_after_it_is_refused, lives._rearm, "environment.deadline > now", "False"),
    # E4
    "the fence is not looked at": (test_crash.test_who_was_stopped_past_his_lease_is_refused_and_writes_nothing, work.step_finish, "!= (work.lease, work.fence)", "== (None, None)"),
    "a lease keeps nobody out": (test_crash.test_a_teardown_that_is_asked_for_waits_for_who_is_at_a_step, work.work_claim, "lease_until__lt=now", "lease_until__gt=now"),
    "another try has another key": (test_gone.test_what_acts_and_then_times_out_is_asked_again_under_the_same_key, work.call_of, "key=step.key", "key=f'{step.key}.{step.attempt}'"),
    # E5
    "success is believed": (test_gone.test_a_provider_that_says_success_and_does_nothing_is_asked_again_until_it_is_gone, rounds.begin, "if phase == Phase.TEARDOWN:", "if False:"),
    "one 404 is enough": (test_gone.test_a_404_that_comes_too_early_is_not_enough, rounds.begin, "* ASKED", "* 1"),
    "it is asked twice in one breath": (test_gone.test_between_the_two_questions_lies_the_pause_of_the_template, outcomes._done, "environment.template.verify_pause if", "timedelta(0) if"),
    # E6
    "the young are taken": (test_orphans.test_nothing_younger_than_the_grace_time_is_taken, orphans._noted, "max(row.since, min(each.since, now)) if each.since else row.since", "row.since"),
    "what is being made is an orphan": (test_orphans.test_what_is_being_made_or_taken_away_is_no_orphan, orphans._labels, ".exclude(gone & Q(template=template))", ".filter(state=State.READY)"),
    "the innocent stay suspects": (test_orphans.test_one_that_its_provider_knows_no_more_is_suspected_and_comes_back_with_its_resource, orphans._noted, "_cleared(template, *gone, now)", "pass"),
    # E7
    "the brake lets all go": (test_orphans.test_while_the_brake_holds_nothing_else_runs_out_and_what_comes_later_is_held_too, brake.brake, "if others and (standing or reason):", "if False:"),
    "small passes do not add up": (test_orphans.test_many_small_passes_are_a_mass_too, brake._lately, "return number", "return 0"),
    "nobody has to let it go": (test_orphans.test_while_the_brake_holds_nothing_else_runs_out_and_what_comes_later_is_held_too, brake.brake, "let_go = {name for each in released", "let_go = {name for each in Sweep.objects.all()"),
}  # fmt: skip

test_a_planted_bug_is_noticed = planting(BUGS)
