"""The rules of the house, kept by machines."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).parents[2]
TOOLS = Path(sys.executable).parent
OURS = ["portal", "catalog", "deployments", "locks"]


def run(*words):
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_imports_go_down_only():
    run(TOOLS / "lint-imports")


def test_the_code_is_clean_and_only_doors_speak_http():
    run(TOOLS / "ruff", "check", ".")


def test_the_code_is_formatted():
    run(TOOLS / "ruff", "format", "--check", ".")


def test_the_types_are_right():
    run(sys.executable, "-m", "mypy", *OURS)


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_the_settings_are_sound():
    call_command("check")


def sources():
    return [path for app in OURS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts]


def test_nothing_happens_by_model_signal():
    """`post_migrate` alone may install the kinds and the log sources."""
    found = {str(path.relative_to(ROOT)) for path in sources() if "signals" in path.read_text()}
    assert found <= {
        "catalog/apps.py",
        "catalog/scorecards/apps.py",
        "deployments/apps.py",
        "portal/embedded/processes.py",
        "portal/notifications/apps.py",
        "portal/embedded/supervisor.py",
    }
    assert "import post_migrate" in (ROOT / "catalog/apps.py").read_text()


def test_every_setting_is_explained():
    read = set(re.findall(r'env\.\w+\("([A-Z_]+)"', (ROOT / "portal/settings.py").read_text()))
    explained = set(re.findall(r"^\| `([A-Z_]+)`", (ROOT / "docs/settings.md").read_text(), re.MULTILINE))
    assert read and explained == read


def test_every_dependency_says_why_it_is_here():
    for name in ("requirements.in", "requirements-dev.in"):
        for line in (ROOT / name).read_text().splitlines():
            is_plain = not line or line.startswith(("#", "-r"))
            assert is_plain or name == "requirements-dev.in" or "#" in line, f"{name}: {line}"


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_the_lock_files_name_no_index(name):
    text = (ROOT / name).read_text()
    assert "--hash=sha256:" in text
    assert not re.search(r"^\s*(--index|--extra-index|--find-links|-i |-f )|://", text, re.MULTILINE)


def test_no_template_breaks_the_content_security_policy():
    for path in [*(ROOT / "templates").rglob("*.html")]:
        text = path.read_text()
        assert not re.search(r"\sstyle=|\son[a-z]+=|<script>|<style", text), path
