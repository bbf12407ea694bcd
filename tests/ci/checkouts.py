"""A checkout of git, and what is reported from it."""

import subprocess

REPORT = ("report", "--service", "cart", "--environment", "production", "--version", "1.4.2")
RECORDED = (
    201,
    {
        "ok": True,
        "deployment": {"id": "d1", "service": "cart", "environment": "production", "url": "https://portal.test/d/1"},
    },
)


def live(commit):
    row = {"service": "cart", "environment": "production", "commit": commit, "version": "1.4.1"}
    return 200, {"ok": True, "deployment_configs": [{**row, "environment": "staging", "commit": "f" * 40}, row]}


def git(folder, *words):
    who = [
        "-c",
        "user.name=Dana",
        "-c",
        "user.email=dana@acme.test",
        "-c",
        "commit.gpgsign=false",
        "-c",
        "init.defaultBranch=main",
    ]
    return subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder, message):
    git(folder, "commit", "--allow-empty", "-q", "-m", message)
    return git(folder, "rev-parse", "HEAD")
