"""What a person reads in the log of a CI job when it asks the gate."""

import json
import subprocess

import pytest

from tests.ci.conftest import COMMAND
from tests.ci.fake_portal import LOCK, allowed, decision, denied

CHECK = ("check", "--service", "cart", "--environment", "production")
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_RUN_ID": "77",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_SHA": "a" * 40,
    "GITHUB_SERVER_URL": "https://github.test",
    "GITHUB_REPOSITORY": "acme/cart",
}


def test_an_open_gate_is_0(portal, run):
    portal.answers["GET", "/v1/gate"] = allowed()
    done = run(*CHECK)
    assert done.returncode == 0 and done.stdout.startswith("ALLOWED: cart in production may be deployed")
    [asked] = portal.asked
    assert asked["query"] == "service=cart&environment=production&intent=deploy"
    assert asked["headers"]["Authorization"] == "Bearer pcl_very-secret-token"


def test_a_lock_is_10_and_says_who_why_until_when_and_what_next(portal, run):
    portal.answers["GET", "/v1/gate"] = denied()
    done = run(*CHECK)
    assert done.returncode == 10
    for words in (
        "STOPPED: cart in production is locked by Dana",
        "Dana",
        "debugging checkout",
        "2026-11-22 15:40 UTC (in 1 h 58 min)",
        "https://chat.test/t/1",
        "https://portal.test/locks/0192-lock",
        "unlock 0192-lock",
        "check --service cart",
    ):
        assert words in done.stdout


def test_a_lock_that_a_rule_took_says_that_a_rollback_goes_through_and_sends_nobody_to_ask_a_rule(portal, run):
    ruled = LOCK | {
        "automatic_by": "Canary",
        "allows": ["rollback"],
        "holder": {"kind": "system", "name": "Rule “Canary”"},
    }
    portal.answers["GET", "/v1/gate"] = denied(locks=[ruled], next_open_at="2026-11-22T15:40:00.000Z")
    done = run(*CHECK)
    assert done.returncode == 10
    assert "at the latest; sooner, once it has been healthy" in done.stdout
    assert "--intent rollback" in done.stdout and "  ask  " not in done.stdout


def test_it_says_since_when_it_is_locked_and_on_which_page_glass_is_broken(portal, run):
    page = "https://portal.test/locks/overrides/new?service=cart"
    portal.answers["GET", "/v1/gate"] = denied(override_url=page)
    said = run(*CHECK, env=GITHUB).stdout
    assert "  since   2026-11-22 13:00 UTC (42 min ago)\n" in said
    assert f"  break glass    {page}&commit={'a' * 40}\n" in said and "by a token with the scope admin:  " in said


def test_a_lock_without_an_end_says_so(portal, run):
    portal.answers["GET", "/v1/gate"] = denied(locks=[{**LOCK, "expires_at": None}])
    assert "somebody releases it" in run(*CHECK).stdout


def test_a_freeze_is_11(portal, run):
    freeze = {
        "title": "Christmas",
        "scope": "tier",
        "tier": "production",
        "holder": {"name": "Dana"},
        "reason": "quiet",
    }
    portal.answers["GET", "/v1/gate"] = denied(
        locks=[], freezes=[freeze | {"ends_at": "2026-12-27T07:00:00Z"}], next_open_at="2026-12-27T08:00:00+01:00"
    )
    done = run(*CHECK)
    assert done.returncode == 11 and "Opens 2026-12-27 07:00 UTC" in done.stdout
    assert "frozen  every environment of tier production, by the freeze Christmas\n" in done.stdout
    assert "why     quiet\n  until   2026-12-27 07:00 UTC" in done.stdout
    portal.answers["GET", "/v1/gate"] = denied(locks=[], freezes=["odd", {"name": "of another kind"}])
    assert run(*CHECK).returncode == 11


def test_a_denial_without_a_lock_is_still_10(portal, run):
    portal.answers["GET", "/v1/gate"] = denied(locks=[])
    assert run(*CHECK).returncode == 10


def test_a_warning_passes_unless_it_must_not(portal, run):
    portal.answers["GET", "/v1/gate"] = allowed(outcome="warn", locks=[{**LOCK, "effect": "warn"}])
    done = run(*CHECK)
    assert done.returncode == 0 and done.stdout.startswith("WARNING:") and "only a warning" in done.stdout
    assert run(*CHECK, "--fail-on", "warn").returncode == 10


def test_json_is_one_object_with_the_exit_code(portal, run):
    portal.answers["GET", "/v1/gate"] = denied()
    told = json.loads(run(*CHECK, "--json").stdout)
    assert (told["exit"], told["ok"], told["decision"]["locks"]) == (10, False, [LOCK])
    portal.answers["GET", "/v1/gate"] = (503, b"")
    told = json.loads(run(*CHECK, "--json", timeout="0.5").stdout)
    assert (told["exit"], told["ok"], told["error"]) == (20, False, "unreachable")


def test_the_run_and_its_commit_go_along_in_ci(portal, run):
    portal.answers["GET", "/v1/gate"] = allowed()
    run(*CHECK, env=GITHUB)
    assert (
        portal.asked[0]["query"].partition("&run_url=")[0].endswith("&commit={}&run=github%3A77%3A2".format("a" * 40))
    )


def test_github_shows_an_annotation_and_a_summary(portal, run, tmp_path):
    portal.answers["GET", "/v1/gate"] = denied(message="100% locked\n::error::by a trick")
    summary = tmp_path / "summary.md"
    done = run(*CHECK, env={**GITHUB, "GITHUB_STEP_SUMMARY": str(summary)})
    assert done.stderr == "::error title=Portcullis::STOPPED: 100%25 locked ::error::by a trick\n"
    assert not any(line.lstrip().startswith("::") for line in done.stdout.splitlines())
    assert "debugging checkout" in summary.read_text()


def test_a_summary_that_cannot_be_written_changes_nothing(portal, run, tmp_path):
    portal.answers["GET", "/v1/gate"] = [allowed(), denied()]
    env = {**GITHUB, "GITHUB_STEP_SUMMARY": str(tmp_path)}
    assert [run(*CHECK, env=env).returncode for _ in range(2)] == [0, 10]


def test_what_people_wrote_cannot_speak_to_the_terminal(portal, run):
    portal.answers["GET", "/v1/gate"] = denied(locks=[{**LOCK, "reason": "x\x1b[2J\r\n::add-mask::y\u202e"}])
    done = run(*CHECK)
    assert not set("\x1b\r\u202e") & set(done.stdout)
    assert "\n::" not in done.stdout


def test_the_token_is_masked_even_when_the_portal_repeats_it(portal, run, tmp_path):
    portal.answers["GET", "/v1/gate"] = denied(message="you sent pcl_very-secret-token")
    summary = tmp_path / "summary.md"
    done = run(*CHECK, env={**GITHUB, "GITHUB_STEP_SUMMARY": str(summary)})
    assert "you sent ***" in done.stdout and "very-secret" not in summary.read_text()


def test_a_client_secret_is_exchanged_first(portal, run):
    portal.answers["POST", "/v1/auth/access_token"] = (
        200,
        {"ok": True, "accessToken": "jwt.a.b", "expiresIn": 3600, "tokenType": "Bearer"},
    )
    portal.answers["GET", "/v1/gate"] = allowed()
    assert run(*CHECK, env={"PORTCULLIS_TOKEN": None, "CLIENT_ID": "dana", "CLIENT_SECRET": "s3cret"}).returncode == 0
    exchange, gate = portal.asked
    assert (
        exchange["body"] == {"clientId": "dana", "clientSecret": "s3cret"}
        and "Authorization" not in exchange["headers"]
    )
    assert gate["headers"]["Authorization"] == "Bearer jwt.a.b"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((401, {"ok": False, "error": "unauthorized", "message": "No."}), 21),
        ((200, {"ok": True}), 20),
        ((200, {"ok": True, "accessToken": "two\nlines"}), 20),
    ],
)
def test_an_exchange_that_fails_is_closed(portal, run, answer, code):
    portal.answers["POST", "/v1/auth/access_token"] = answer
    portal.answers["GET", "/v1/gate"] = allowed()
    env = {"PORTCULLIS_TOKEN": None, "CLIENT_ID": "dana", "CLIENT_SECRET": "s3cret"}
    assert run(*CHECK, env=env).returncode == code


def test_an_env_file_beats_the_environment(portal, run, tmp_path):
    portal.answers["GET", "/v1/gate"] = denied()
    file = tmp_path / "credentials.env"
    file.write_text(f"# made by setup\nPORTCULLIS_URL={portal.url}\nexport CI_TOKEN='pcl_from-file'\n")
    done = run(*CHECK, "--env-file", "credentials.env", env={"PORTCULLIS_URL": "http://127.0.0.1:1"})
    assert done.returncode == 10 and "--env-file credentials.env" in done.stdout
    assert portal.asked[0]["headers"]["Authorization"] == "Bearer pcl_from-file"


def test_a_portal_under_a_path_is_asked_there(portal, run):
    portal.answers["GET", "/tools/portal/v1/gate"] = allowed()
    assert run(*CHECK, "--url", portal.url + "/tools/portal/").returncode == 0


def test_names_are_sent_whole(portal, run):
    portal.answers["GET", "/v1/gate"] = 200, {"ok": True, "decision": decision(service="a/b&c d", environment="pröd")}
    assert run("check", "--service", "a/b&c d", "--environment", "pröd").returncode == 0
    assert "service=a%2Fb%26c+d&environment=pr%C3%B6d" in portal.asked[0]["query"]


def test_an_alias_is_answered_by_the_true_name(portal, run):
    asked = {"service": "cart", "environment": "prod"}
    portal.answers["GET", "/v1/gate"] = 200, {"ok": True, "decision": decision(asked=asked)}
    assert run("check", "--service", "cart", "--environment", "prod").returncode == 0


def test_a_reader_that_hangs_up_early_leaves_no_traceback_and_the_exit_code(portal, run):
    import subprocess
    import sys
    from pathlib import Path

    portal.answers["GET", "/v1/gate"] = denied()
    program = Path(__file__).parents[2] / "ci" / "portcullis"
    words = f"{sys.executable} {program} check --service cart --environment production; echo exit $? >&2"
    done = subprocess.run(
        ["bash", "-c", f"{{ {words}; }} | true"],
        env={"PORTCULLIS_URL": portal.url, "PORTCULLIS_TOKEN": "pcl_x", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stderr
    assert "exit 10" in done.stderr


def test_what_it_says_to_paste_runs_also_from_a_download_that_is_no_program(portal, python, tmp_path):
    portal.answers["GET", "/v1/gate"] = denied()
    (tmp_path / "portcullis").write_bytes(COMMAND.read_bytes())
    done = subprocess.run(
        [python, "portcullis", *CHECK],
        cwd=tmp_path,
        env={"PORTCULLIS_URL": portal.url, "PORTCULLIS_TOKEN": "pcl_x", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 10 and "  ask again      python3 portcullis check " in done.stdout
