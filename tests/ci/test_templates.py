"""The GitHub Action and the GitLab template: their scripts, run as GitHub and GitLab would run them."""

import os
import re
import subprocess

import pytest
import yaml

from tests.ci.conftest import ROOT, TOKEN
from tests.ci.fake_portal import allowed, decision, denied

CI = ROOT / "ci"
ACTION = yaml.safe_load((CI / "action.yml").read_text())
EXAMPLES = sorted(CI.glob("examples/github-*.yml"))
WITH = {"url": "{portal}", "token": TOKEN, "service": "cart", "environment": "production"}


@pytest.fixture
def action(portal, tmp_path):
    """`action(command="check", ...)` runs the action's one step with these inputs, and what GitHub sets."""

    def call(env=None, **inputs):
        inputs = {name.replace("_", "-"): value for name, value in (WITH | inputs).items()}
        assert inputs.keys() <= ACTION["inputs"].keys()
        known = {name: str(one.get("default", "")) for name, one in ACTION["inputs"].items()} | inputs
        known["url"] = portal.url
        [step] = ACTION["runs"]["steps"]
        environ = {name: filled(value, known) for name, value in step["env"].items()}
        script = tmp_path / "step.sh"
        script.write_text(step["run"])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            env=github(tmp_path) | (env or {}) | environ,
            cwd=tmp_path,
            timeout=30,
            capture_output=True,
            text=True,
        )
        assert TOKEN not in done.stdout + done.stderr
        return done

    return call


def github(folder):
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GITHUB_ACTION_PATH": str(CI),
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "larder/cart",
        "GITHUB_RUN_ID": "41",
        "GITHUB_RUN_ATTEMPT": "2",
        "GITHUB_SHA": "4f2a9c1d",
        "PORTCULLIS_TIMEOUT": "3",
    }


def filled(value, inputs):
    return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: inputs[found[1]], value)


def bodies(portal, path):
    return [each["body"] for each in portal.asked if (each["method"], each["path"]) == ("POST", path)]


def place_in_line(outcome, ready):
    told = decision(outcome=outcome)
    place = {"service": "cart", "environment": "production"}
    ticket = {"id": "t1", "position": 1, "ready": ready, "decision": told, "ask_again": 1, "deploying": None}
    return 200, {"ok": True, "ticket": ticket | place}


def test_no_input_is_pasted_into_the_script_and_every_one_is_used():
    [step] = ACTION["runs"]["steps"]
    assert "${{" not in step["run"]
    used = {found for value in step["env"].values() for found in re.findall(r"inputs\.([\w-]+)", value)}
    assert used == set(ACTION["inputs"])
    assert all(f"${name}" in step["run"] for name in step["env"] if name.startswith("INPUT_"))


def test_check_stops_the_job_at_a_lock(portal, action):
    portal.answers["GET", "/v1/gate"] = denied()
    assert action(command="check").returncode == 10
    portal.answers["GET", "/v1/gate"] = allowed()
    assert action(command="check", commit="abc1234").returncode == 0
    assert "commit=abc1234" in portal.asked[-1]["query"] and "run=github%3A41%3A2" in portal.asked[-1]["query"]


def test_wait_takes_its_turn_or_gives_up(portal, action):
    portal.answers["POST", "/v1/tickets"] = place_in_line("allow", ready=True)
    done = action(command="wait", version="1.4.2")
    assert done.returncode == 0 and "YOUR TURN" in done.stdout
    [asked] = bodies(portal, "/v1/tickets")
    assert asked["version"] == "1.4.2" and asked["ci"]["run"] == "41" and asked["ci"]["attempt"] == "2"
    portal.answers["POST", "/v1/tickets"] = place_in_line("deny", ready=False)
    done = action(command="wait", timeout="1s")
    assert done.returncode == 12 and "WAITED IN VAIN" in done.stdout


def test_deploy_runs_its_commands_with_the_place_held_and_reports(portal, granting, action, tmp_path):
    granting()
    run = 'echo "$VERSION" > deployed\necho "$PORTCULLIS_FENCE" >> deployed\n'
    done = action(env={"VERSION": "the step's own"}, command="deploy", version="1.4.2", intent="rollback", run=run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "deployed").read_text() == "the step's own\n7\n"
    [asked] = bodies(portal, "/v1/claims")
    assert (asked["version"], asked["intent"], asked["commit"]) == ("1.4.2", "rollback", "4f2a9c1d")
    assert [each["status"] for each in bodies(portal, "/v1/deployments")] == ["in_progress", "success"]


def test_deploy_stops_at_the_first_command_that_fails_and_at_a_lock(portal, granting, action, tmp_path):
    granting()
    done = action(command="deploy", version="1.4.2", run="false | cat\ntouch deployed\n")
    assert done.returncode == 1 and not (tmp_path / "deployed").exists()
    assert bodies(portal, "/v1/deployments")[-1]["status"] == "failure"
    portal.answers["POST", "/v1/claims"] = denied()
    done = action(command="deploy", version="1.4.2", run="touch deployed")
    assert done.returncode == 10 and not (tmp_path / "deployed").exists()


def test_deploy_hands_on_its_wait_override_and_lease(portal, granting, action):
    granting(lease=30)
    done = action(command="deploy", version="1.4.2", run="true", timeout="5m", override="0192-o", lease="30")
    assert done.returncode == 0, done.stdout + done.stderr
    [asked] = bodies(portal, "/v1/claims")
    assert (asked["override"], asked["lease"]) == ("0192-o", 30)


def test_report_tells_what_was_deployed(portal, action):
    portal.answers["POST", "/v1/deployments"] = 201, {"ok": True, "deployment": {"id": "d1"}}
    assert action(command="report", version="1.4.2", status="cancelled", kind="config").returncode == 0
    [told] = bodies(portal, "/v1/deployments")
    assert (told["version"], told["status"], told["kind"]) == ("1.4.2", "cancelled", "config")


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"command": "open"}, "command is check, wait, deploy or report"),
        ({"command": "deploy", "version": "1"}, "deploy needs run: the commands that deploy"),
        ({"command": "deploy", "run": "true"}, "--version"),
        ({"command": "report"}, "--version"),
        ({"command": "check", "service": "; touch gone"}, ""),
    ],
)
def test_wrong_inputs_stop_the_job_and_ask_nothing_of_the_gate_but_in_their_own_words(
    portal, action, tmp_path, inputs, says
):
    done = action(**inputs)
    assert done.returncode not in (0, 10) and says in done.stdout + done.stderr
    assert not (tmp_path / "gone").exists()
    assert not bodies(portal, "/v1/claims") and not bodies(portal, "/v1/deployments")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_give_inputs_that_the_action_has(path):
    jobs = yaml.safe_load(path.read_text())["jobs"].values()
    uses = [step for job in jobs for step in job["steps"] if "/portcullis/ci@" in step.get("uses", "")]
    assert uses
    needed = {name for name, one in ACTION["inputs"].items() if one["required"]}
    for step in uses:
        assert needed <= step["with"].keys() <= ACTION["inputs"].keys()


@pytest.fixture
def gitlab(portal, tmp_path):
    """`gitlab(".portcullis-deploy", PORTCULLIS_WAIT="5m")`: the sections of a job as a runner runs them. (exit, output)"""
    jobs = yaml.safe_load((CI / "gitlab.yml").read_text())

    def section(lines, environ):
        return subprocess.run(
            ["sh", "-ec", "\n".join(lines)], env=environ, cwd=tmp_path, timeout=30, capture_output=True, text=True
        )

    def call(name, script=(), **variables):
        job = jobs[name]
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "GITLAB_CI": "true",
            "CI_JOB_ID": "77",
            "CI_JOB_URL": "https://gitlab.example.org/j/77",
            "CI_COMMIT_SHA": "4f2a9c1d",
            "CI_COMMIT_SHORT_SHA": "4f2a9c1",
            "PORTCULLIS_URL": portal.url,
            "PORTCULLIS_TOKEN": TOKEN,
            "PORTCULLIS_TIMEOUT": "3",
            "PORTCULLIS_SERVICE": "cart",
            "PORTCULLIS_ENVIRONMENT": "production",
            **job["variables"],
            "PORTCULLIS": str(CI / "portcullis"),
            **variables,
        }
        done = section([*job.get("before_script", ()), *job.get("script", script)], environ)
        status = "success" if done.returncode == 0 else "failed"
        after = section(job.get("after_script", ()), environ | {"CI_JOB_STATUS": status})
        return done.returncode, done.stdout + done.stderr + after.stdout + after.stderr

    return call


def test_a_gitlab_job_deploys_with_the_place_held(portal, granting, gitlab, tmp_path):
    granting()
    code, said = gitlab(".portcullis-deploy", PORTCULLIS_DEPLOY="touch deployed", PORTCULLIS_WAIT="5m")
    assert code == 0, said
    assert (tmp_path / "deployed").exists()
    [asked] = bodies(portal, "/v1/claims")
    assert (asked["version"], asked["ci"]["provider"], asked["ci"]["run"]) == ("4f2a9c1", "gitlab", "77")
    assert [each["status"] for each in bodies(portal, "/v1/deployments")] == ["in_progress", "success"]


def test_a_gitlab_job_without_a_command_deploys_nothing_and_says_so(portal, granting, gitlab):
    granting()
    code, said = gitlab(".portcullis-deploy")
    assert code not in (0, 10) and "set it to the command that deploys" in said
    assert portal.asked == []


def test_a_gitlab_job_is_stopped_by_a_lock_and_reports_nothing(portal, gitlab, tmp_path):
    portal.answers["POST", "/v1/claims"] = portal.answers["GET", "/v1/gate"] = denied()
    for name in (".portcullis-deploy", ".portcullis"):
        code, said = gitlab(name, script=["touch deployed"], PORTCULLIS_DEPLOY="touch deployed")
        assert code == 10 and "Dana" in said
    assert not (tmp_path / "deployed").exists()
    assert not bodies(portal, "/v1/deployments")


@pytest.mark.parametrize(("command", "status"), [("true", "success"), ("false", "failure")])
def test_a_gitlab_job_with_a_script_of_its_own_waits_and_reports(portal, gitlab, command, status):
    portal.answers["POST", "/v1/tickets"] = place_in_line("allow", ready=True)
    portal.answers["POST", "/v1/deployments"] = 201, {"ok": True, "deployment": {"id": "d1"}}
    code, said = gitlab(".portcullis", script=[command], PORTCULLIS_WAIT="5m")
    assert (code == 0) is (status == "success"), said
    assert "YOUR TURN" in said
    assert [each["status"] for each in bodies(portal, "/v1/deployments")] == [status]
    portal.answers["POST", "/v1/tickets"] = place_in_line("deny", ready=False)
    assert gitlab(".portcullis", script=[command], PORTCULLIS_WAIT="1s")[0] == 12
