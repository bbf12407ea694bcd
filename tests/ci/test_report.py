"""Dana's and Bob's pipelines report what they deployed, with the commits of a real checkout."""

import pytest

from tests.ci.checkouts import RECORDED, REPORT
from tests.ci.fake_portal import allowed, denied, refusal

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_RUN_ID": "77",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_SHA": "a" * 40,
    "GITHUB_REF_NAME": "main",
    "GITHUB_SERVER_URL": "https://github.test",
    "GITHUB_REPOSITORY": "acme/cart",
    "GITHUB_ACTOR": "dana",
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_PIPELINE_ID": "500",
    "CI_JOB_ID": "12345678901",
    "CI_JOB_URL": "https://gitlab.test/j/1",
    "CI_COMMIT_SHA": "b" * 40,
    "CI_COMMIT_REF_NAME": "v1.4.2",
    "GITLAB_USER_LOGIN": "bob",
}


def test_github_says_the_rest(report):
    body, headers, _ = report(env=GITHUB)
    assert body["ci"] == {
        "provider": "github",
        "run": "77",
        "attempt": "2",
        "url": "https://github.test/acme/cart/actions/runs/77/attempts/2",
    }
    assert (body["commit"], body["ref"], body["actor"], body["status"], body["kind"]) == (
        "a" * 40,
        "main",
        "dana",
        "success",
        "deploy",
    )
    assert headers["Idempotency-Key"].startswith("github:77:2:")


def test_gitlab_says_the_rest(report):
    body, headers, _ = report(env=GITLAB)
    assert body["ci"] == {"provider": "gitlab", "run": "12345678901", "attempt": "1", "url": "https://gitlab.test/j/1"}
    assert (body["commit"], body["ref"], body["actor"]) == ("b" * 40, "v1.4.2", "bob")
    assert headers["Idempotency-Key"].startswith("gitlab:12345678901:1:")


def test_options_go_before_what_ci_says(report):
    body, headers, _ = report(
        "--commit",
        "c" * 40,
        "--ref",
        "release",
        "--actor",
        "carol",
        "--author",
        "erin",
        "--run-url",
        "https://ci.test/9",
        "--status",
        "failure",
        "--kind",
        "rollback",
        "--message",
        "second try\nof it",
        "--started-at",
        "2026-11-22T15:00Z",
        "--finished-at",
        "2026-11-22T16:05:00+01:00",
        "--idempotency-key",
        "mine",
        "--decision",
        "r-1",
        env=GITHUB,
    )
    assert headers["Idempotency-Key"] == "mine"
    assert body == {
        "service": "cart",
        "environment": "production",
        "version": "1.4.2",
        "commit": "c" * 40,
        "ref": "release",
        "actor": "carol",
        "author": "erin",
        "status": "failure",
        "kind": "rollback",
        "message": "second try\nof it",
        "started_at": "2026-11-22T15:00Z",
        "finished_at": "2026-11-22T16:05:00+01:00",
        "decision": "r-1",
        "ci": {"provider": "github", "run": "77", "attempt": "2", "url": "https://ci.test/9"},
    }


def test_the_same_report_of_one_attempt_has_one_key(report):
    keys = [
        report("--status", status, env={**GITHUB, **more})[1]["Idempotency-Key"]
        for status, more in (
            ("success", {}),
            ("success", {}),
            ("in_progress", {}),
            ("success", {"GITHUB_RUN_ATTEMPT": "3"}),
        )
    ]
    assert keys[0] == keys[1] and len(set(keys)) == 3


def test_by_hand_each_report_is_its_own_but_a_retry_is_not(portal, report):
    portal.answers["POST", "/v1/deployments"] = [(500, b""), RECORDED]
    report("--commit", "c" * 40)
    report("--commit", "c" * 40)
    first, retry, second = [one["headers"]["Idempotency-Key"] for one in portal.asked if one["method"] == "POST"]
    assert first == retry != second


def test_unknown_names_are_kept_and_pointed_out(portal, report, tmp_path):
    inbox = {"id": "i1", "problem": "There is no environment prodution.", "nearest": {"environment": ["production"]}}
    portal.answers["POST", "/v1/deployments"] = 202, {"ok": True, "inbox": inbox}
    _, _, done = report(env=GITHUB)
    assert done.returncode == 0 and "KEPT IN THE INBOX" in done.stdout and "Did you mean: production?" in done.stdout
    assert "::warning" in done.stderr


def test_a_replay_is_told(portal, report):
    portal.answers["POST", "/v1/deployments"] = 200, RECORDED[1]
    assert "ALREADY RECORDED" in report(env=GITHUB)[2].stdout


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        ((500, b""), 20, "Send it again"),
        ((201, {"ok": True}), 20, "without deployment"),
        (
            refusal(
                422,
                "invalid_request",
                "The report was refused.",
                errors=[{"path": "version", "message": "is too long"}],
            ),
            23,
            "version: is too long",
        ),
        (refusal(409, "conflict", "This run reported 1.4.1 before."), 23, "1.4.1 before"),
        (refusal(403, "forbidden", "This token may not report."), 23, "may not report"),
        (refusal(413, "too_large", "At most 1 MiB."), 23, "1 MiB"),
        (refusal(401, "unauthorized", "Unknown token."), 21, "Unknown token."),
    ],
)
def test_a_report_that_fails_says_so(portal, report, answer, code, words):
    portal.answers["POST", "/v1/deployments"] = answer
    done = report("--commit", "c" * 40, timeout="1")[2]
    assert done.returncode == code and words in done.stderr and "only its report is missing" in done.stderr


@pytest.mark.parametrize(
    "words",
    [("--started-at", "yesterday"), ("--finished-at", "2026-11-22T15:00"), ("--status", "done"), ("--version", "")],
)
def test_wrong_words_are_2_and_nothing_is_sent(portal, report, words):
    assert report("--commit", "c" * 40, *words)[2].returncode == 2
    assert portal.asked == []


CHECK = ("check", "--service", "cart", "--environment", "production")


def told(portal):
    return [asked["body"].get("decision") for asked in portal.asked if asked["path"] == "/v1/deployments"]


def test_a_report_hands_back_what_the_check_of_the_same_job_got(portal, run, tmp_path):
    portal.answers[("GET", "/v1/gate")] = allowed(receipt="r-1")
    portal.answers[("POST", "/v1/deployments")] = RECORDED
    job = GITHUB | {"RUNNER_TEMP": str(tmp_path)}
    run(*CHECK, env=job)
    run(*REPORT, env=job)
    run(*REPORT, env=job | {"GITHUB_RUN_ATTEMPT": "3"})
    run(*REPORT, "--decision", "r-2", env=job)
    run(*REPORT[:4], "staging", *REPORT[5:], env=job)
    assert told(portal) == ["r-1", None, "r-2", None], "not another attempt's, and not another place's"


def test_a_check_that_stops_leaves_no_receipt_for_the_report(portal, run, tmp_path):
    job = GITHUB | {"RUNNER_TEMP": str(tmp_path)}
    portal.answers[("GET", "/v1/gate")] = [allowed(receipt="r-1"), denied()]
    portal.answers[("POST", "/v1/deployments")] = RECORDED
    run(*CHECK, env=job)
    assert run(*CHECK, env=job).returncode == 10
    run(*REPORT, env=job)
    assert told(portal) == [None]


def test_without_ci_the_folder_joins_check_and_report(portal, run, tmp_path):
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    here.mkdir(), elsewhere.mkdir()
    portal.answers[("GET", "/v1/gate")] = allowed(receipt="r-1")
    portal.answers[("POST", "/v1/deployments")] = RECORDED
    state = {"PORTCULLIS_STATE": str(tmp_path)}
    run(*CHECK, env=state, cwd=here)
    for folder in (here, elsewhere):
        run(*REPORT, "--commit", "c" * 40, env=state, cwd=folder)
    assert told(portal) == ["r-1", None]
    assert [oct(each.stat().st_mode)[-3:] for each in tmp_path.glob("portcullis-*")] == ["600"]


def test_a_folder_that_cannot_be_written_changes_no_answer(portal, run, tmp_path):
    portal.answers[("GET", "/v1/gate")] = allowed(receipt="r-1")
    assert run(*CHECK, env={"PORTCULLIS_STATE": str(tmp_path / "gone")}).returncode == 0


def test_a_receipt_goes_through_no_link_that_others_laid(portal, run, tmp_path):
    portal.answers[("GET", "/v1/gate")] = allowed(receipt="r-1")
    job = GITHUB | {"RUNNER_TEMP": str(tmp_path)}
    run(*CHECK, env=job)
    [kept] = tmp_path.glob("portcullis-*")
    kept.unlink()
    target = tmp_path / "target"
    target.write_text("mine")
    kept.symlink_to(target)
    run(*CHECK, env=job)
    assert target.read_text() == "mine" and not kept.is_symlink()
