"""Bugs planted in what is told, each with the test that must notice it."""

from portal.audit import leases, posting, retention
from portal.notifications import mail
from portal.notifications import retention as threads
from portal.slackbot.posting import Post
from tests.locks.mutants import planting
from tests.notifications import test_nothing_lost, test_retention
from tests.notifications.test_nothing_lost import mailed  # noqa: F401

BUGS = {
    # N1
    "what may have arrived is not looked for": (test_nothing_lost.test_a_reply_whose_answer_was_lost_is_found_in_its_thread, Post._earlier, "self.delivery.attempts <= 1", "True"),
    "a letter has another name each time": (test_nothing_lost.test_a_letter_whose_answer_was_lost_has_the_same_id_again, mail.message, "<{delivery.public_id}@", "<{delivery.lease}@"),
    # N3
    "who was stopped sends all the same": (test_nothing_lost.test_who_was_stopped_past_his_lease_sends_nothing_any_more, leases.must_hold, "_left(delivery) < LONGEST_CALL", "False"),
    # N4
    "what is due is forgotten": (test_retention.test_what_is_settled_is_forgotten_when_its_days_are_over_and_what_is_due_never_is, retention.deliveries_forget, ".exclude(state__in=Delivery.UNFINISHED)", ""),
    "what is sent again is forgotten at once": (test_retention.test_what_was_given_up_and_is_sent_again_is_kept_from_then_on, retention.deliveries_forget, "Q(done_at__lt=before)", "Q(done_at__isnull=False)"),
    "what is not over loses its thread": (test_retention.test_a_lock_keeps_its_thread_until_it_has_been_over_for_so_long, threads.threads_forget, "Q(closed_at__lt=before)", "Q(at__lt=before)"),
    "what is watched loses its thread": (test_retention.test_a_deployment_keeps_its_thread_as_long_as_it_is_watched, threads.threads_forget, 'verdict=""', 'verdict="none"'),
}  # fmt: skip
KILLED = {
    # N1
    "a call has another name each time": (test_nothing_lost.test_a_letter_and_a_call_whose_workers_were_killed_come_again_under_the_same_names, posting.post, "str(delivery.public_id)", "str(delivery.lease)"),
}  # fmt: skip

test_a_planted_bug_is_noticed = planting(BUGS)
test_a_planted_bug_is_noticed_once_somebody_was_killed = planting(KILLED, killed=True)
