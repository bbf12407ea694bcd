"""bin/up and bin/test before there is a Python to rely on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.embedded.conftest import bare, copy_of
from tests.sharing import Others

ROOT = Path(__file__).parents[2]


def cloned(folder: Path) -> Path:
    copy_of(ROOT / "bin", folder)
    (folder / "requirements.txt").write_text("")
    (folder / "requirements-dev.txt").write_text("")
    (folder / "portal" / "embedded").mkdir(parents=True)
    (folder / "portal" / "embedded" / "up.py").write_text("import sys; print('started with', sys.argv[1:])")
    return folder


def tools_in(folder: Path) -> Path:
    folder.mkdir()
    for name in ("bash", "cat", "dirname", "env"):
        (folder / name).symlink_to(f"/usr/bin/{name}")
    return folder


@pytest.fixture
def clone(tmp_path):
    return cloned(tmp_path)


@pytest.fixture
def tools(tmp_path):
    """A PATH with what every system has, and whatever a test adds."""
    return tools_in(tmp_path / "tools")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A clone where all is in order: an environment takes seconds to make, so the tests that change little share it."""
    return cloned(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def first(made):
    """The first start there."""
    tools = tools_in(made / "tools")
    put_python(tools, "python3.12", "exit 127")
    put_python(tools, "python3", f'exec {sys.executable} "$@"')
    return run(made, tools, bare(), "--empty")


def put_python(tools: Path, name: str, script: str) -> None:
    (tools / name).write_text(f"#!/bin/sh\n{script}\n")
    (tools / name).chmod(0o755)


def run(clone, tools, environ, *words):
    command = [str(clone / "bin" / "up"), *words]
    return subprocess.run(command, env=environ | {"PATH": str(tools)}, capture_output=True, text=True)


def test_it_makes_the_environment_once(made, first, environ):
    assert first.stdout == "started with ['--empty']\n"
    assert "Making .venv with Python 3." in first.stderr
    assert run(made, made / "tools", environ).stderr == ""


def test_changed_requirements_are_installed(made, first, environ):
    (made / "requirements.txt").write_text("# another\n")
    again = run(made, made / "tools", environ)
    assert "Installing requirements.txt" in again.stderr
    assert "Making" not in again.stderr
    assert again.stdout == "started with []\n"


def test_a_half_made_environment_is_redone(clone, tools, environ):
    put_python(tools, "python3", f'exec {sys.executable} "$@"')
    (clone / "requirements.txt").write_text("no-such-package-of-ours==1 --hash=sha256:" + "0" * 64)
    # No index is asked for the package: the failure is the point.
    failed = run(clone, tools, environ | {"PIP_NO_INDEX": "1"})
    assert failed.returncode == 1
    assert "could not be installed" in failed.stderr
    (clone / "requirements.txt").write_text("")
    assert "Making .venv" in run(clone, tools, environ).stderr


def test_an_old_python_is_named(clone, tools, environ):
    put_python(tools, "python3", "echo 3.9")
    refused = run(clone, tools, environ)
    assert refused.returncode == 1
    assert "needs Python 3.11 or later; found only 3.9" in refused.stderr
    assert "apt-get install python3 python3-venv" in refused.stderr


def test_no_python_is_named(clone, tools, environ):
    assert "needs Python 3.11 or later. On Debian" in run(clone, tools, environ).stderr


def test_debians_missing_package_is_named(clone, tools, environ):
    (clone / "ensurepip.py").write_text("raise ImportError('as on Debian')")
    put_python(tools, "python3", f'exec {sys.executable} "$@"')
    refused = run(clone, tools, environ | {"PYTHONPATH": str(clone)})
    assert refused.returncode == 1
    assert "cannot make virtual environments" in refused.stderr
    assert "apt-get install python3-venv" in refused.stderr


def test_help_needs_nothing(clone, tools, environ):
    told = run(clone, tools, environ, "--help")
    assert told.returncode == 0
    assert "PORTCULLIS_DATA" in told.stdout
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize(("words", "told"), [((), ["--runs=3"]), (("-x", "tests/kit"), ["-x", "tests/kit"])])
def test_without_words_all_tests_are_shared_by_several_runs(made, environ, words, told):
    (made / "pytest.py").write_text("import sys; print(sys.argv[1:]); sys.exit(3)")
    path = {"PATH": f"{Path(sys.base_prefix) / 'bin'}:/usr/bin:/bin"}
    done = subprocess.run([str(made / "bin" / "test"), *words], env=environ | path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, f"{told}\n"), done.stderr


@pytest.mark.parametrize("codes", [(0, 0), (3, 0), (0, 3)])
def test_the_runs_of_the_tests_pass_only_together(pytestconfig, capfd, codes):
    others = Others()
    for number, code in enumerate(codes, 2):
        if others.begin(pytestconfig, number):
            os.write(1, b"it is %d" % number)
            os._exit(code)
    assert others.end() == max(codes)
    said = capfd.readouterr().out
    assert all(f"Run {number}:\nit is {number}\n" in said for number in (2, 3))
