"""The file itself: old enough for Python 3.8, documented, and whole."""

import ast
import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.ci.conftest import COMMAND, ROOT, command_line
from tests.ci.fake_portal import allowed, denied

SOURCE = COMMAND.read_text()
README = (ROOT / "ci" / "README.md").read_text()


@pytest.fixture
def program():
    return command_line()


def test_python_3_8_reads_it():
    ast.parse(SOURCE, feature_version=(3, 8))


def test_it_needs_nothing_but_the_standard_library():
    imported = {
        name.name.split(".")[0]
        for node in ast.walk(ast.parse(SOURCE))
        if isinstance(node, ast.Import)
        for name in node.names
    }
    imported |= {node.module.split(".")[0] for node in ast.walk(ast.parse(SOURCE)) if isinstance(node, ast.ImportFrom)}
    assert imported <= sys.stdlib_module_names


# In the standard library, and younger than Python 3.8.
TOO_YOUNG = {
    *("removeprefix", "removesuffix", "cache", "zoneinfo", "graphlib", "tomllib", "pairwise", "batched", "bit_count"),
    *("is_relative_to", "readlink", "hardlink_to", "aclosing", "chdir", "to_thread", "TaskGroup", "StrEnum", "UTC"),
    *("waitstatus_to_exitcode", "pidfd_open", "randbytes", "file_digest", "unparse", "nextafter", "lcm"),
}
LATER_WORDS = {"strict", "root_dir", "process_group", "umask", "slots", "kw_only", "exit_on_error", "pipesize"}


def is_too_young(node):
    """Syntax that 3.8 reads and trips over when it runs, and names that it does not have."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return any(isinstance(side, (ast.Dict, ast.DictComp)) for side in (node.left, node.right))
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        return node.value.id in {"list", "dict", "set", "tuple", "type"}
    if isinstance(node, ast.Call):
        return bool(LATER_WORDS & {each.arg for each in node.keywords})
    if isinstance(node, ast.ImportFrom):
        return node.module in TOO_YOUNG
    named = node.attr if isinstance(node, ast.Attribute) else node.name if isinstance(node, ast.alias) else ""
    return named in TOO_YOUNG


def test_python_3_8_has_all_that_it_uses():
    assert [ast.unparse(node) for node in ast.walk(ast.parse(SOURCE)) if is_too_young(node)] == []


@pytest.mark.parametrize(
    "line", ["'a'.removeprefix('b')", "{} | a", "x: list[int] = []", "zip(a, b, strict=True)", "from zoneinfo import x", "import tomllib"]
)  # fmt: skip
def test_what_is_too_young_is_noticed(line):
    assert any(is_too_young(node) for node in ast.walk(ast.parse(line)))


def oldest_python():
    """The oldest that is here, from 3.8 on, and really starts."""
    for name in (*(f"python3.{minor}" for minor in range(8, 20)), sys.executable):
        found = shutil.which(name)
        if found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
            return found
    raise AssertionError("no Python at all")


def test_the_oldest_python_here_runs_it_with_nothing_installed(portal, tmp_path):
    portal.answers["GET", "/v1/gate"] = denied()
    env = {"PORTCULLIS_URL": portal.url, "PORTCULLIS_TOKEN": "pcl_x", "PATH": os.environ["PATH"]}
    words = [oldest_python(), "-I", "-S", COMMAND, "check", "--service", "cart", "--environment", "production"]
    done = subprocess.run(words, env=env, cwd=tmp_path, timeout=20, capture_output=True, text=True, check=False)
    assert done.returncode == 10 and "debugging checkout" in done.stdout and not done.stderr


def test_it_is_executable_and_says_where_it_ends():
    assert os.access(COMMAND, os.X_OK)
    assert SOURCE.splitlines()[-1].startswith("# The end of portcullis")


def test_every_exit_code_is_in_the_readme(program):
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", README, re.M)
    assert {int(code): words for code, words in rows} == program.EXITS


def test_every_command_and_setting_is_in_the_readme(program):
    commands = program.build_parser()._subparsers._group_actions[0].choices
    assert all(f"portcullis {name} " in README or f"portcullis {name}\n" in README for name in commands)
    settings = set(re.findall(r'"(PORTCULLIS_[A-Z]+|CI_TOKEN|CLIENT_[A-Z]+)"', SOURCE))
    assert settings and all(f"`{name}`" in README for name in settings)


@pytest.mark.parametrize(
    "text", ["2026-11-22T15:40Z", "2026-11-22T15:40:00.123Z", "2026-11-22T16:40:00.1+01:00", "2026-11-22 10:40:00-0500"]
)
def test_every_way_to_write_an_instant_is_read(program, text):
    assert f"{program.instant(text):%H:%M}" == "15:40"


@pytest.mark.parametrize(
    "text", ["", None, 3, "2026-11-22T15:40", "2026-13-22T15:40Z", "0001-01-01T00:00+23:00", "2026-11-22T15:40+99:99"]
)
def test_no_other_way_is(program, text):
    assert program.instant(text) is None


def deploy(portal, folder, *words):
    env = {
        "PATH": os.environ["PATH"],
        "PORTCULLIS_URL": portal.url,
        "PORTCULLIS_TOKEN": "pcl_x",
        "PORTCULLIS_TIMEOUT": "3",
        "COMMIT": "a" * 40,
        "SERVICE": "cart",
        "ENVIRONMENT": "production",
        "VERSION": "1.4.2",
    }
    return subprocess.run(
        [ROOT / "ci/examples/deploy.sh", *words],
        env=env,
        cwd=folder,
        timeout=20,
        capture_output=True,
        text=True,
        check=False,
    )


def sent(portal):
    return [one["body"]["status"] for one in portal.asked if one["method"] == "POST"]


def test_the_example_script_is_stopped_by_a_lock(portal, tmp_path):
    portal.answers["GET", "/v1/gate"] = denied()
    done = deploy(portal, tmp_path, "touch", "deployed")
    assert done.returncode == 10 and "Dana" in done.stdout
    assert not (tmp_path / "deployed").exists() and sent(portal) == []


@pytest.mark.parametrize(
    ("words", "code", "status"), [(("touch", "deployed"), 0, "success"), (("false",), 1, "failure")]
)
def test_the_example_script_deploys_and_reports(portal, tmp_path, words, code, status):
    portal.answers["GET", "/v1/gate"] = allowed()
    portal.answers["POST", "/v1/deployments"] = 201, {"ok": True, "deployment": {"id": "d1"}}
    assert deploy(portal, tmp_path, *words).returncode == code
    assert (tmp_path / "deployed").exists() is (code == 0) and sent(portal) == [status]


def test_a_good_deploy_stays_good_when_its_report_is_refused(portal, tmp_path):
    portal.answers["GET", "/v1/gate"] = allowed()
    portal.answers["POST", "/v1/deployments"] = (
        422,
        {"ok": False, "error": "invalid_request", "message": "No.", "details": {}},
    )
    done = deploy(portal, tmp_path, "true")
    assert done.returncode == 0 and "not recorded" in done.stderr
