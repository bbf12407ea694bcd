"""A command on the portal's own machine: only where the operator names a folder of commands, and only those in it.

No shell, no environment but the variables that are named, an end after so long, and nothing of it outlives that end.
"""

import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings

from deployments.environments.models import Template
from deployments.environments.providers import TIMEOUT, Answer, Call, CannotList, Found, answers
from portal.kit.errors import Invalid

Json = dict[str, Any]

LEASH = Path(__file__).with_name("leash.py")
NAME = re.compile(r"\w[\w.-]{0,99}", re.ASCII)
VARIABLE = re.compile(r"[A-Za-z_]\w{0,99}", re.ASCII)
# What the portal itself runs on is nobody else's.
OURS = re.compile(r"PORTCULLIS_|DATABASE_URL|REDIS_URL|PG|DJANGO_|PYTHON|LD_")
MOST_WORDS = 50
LONGEST_WORD = 1000
GRACE = 10  # seconds, for the leash to tell what came of it


class Local:
    def check(self, template: Template) -> None:
        """Each step has `argv`: the name of a file in the folder, and its words. `spec.env` names variables to hand on."""
        _folder()
        for phase in ("provision", "sleep", "wake", "teardown", "verify"):
            for each in template.steps(phase):
                _command(each.get("argv"), f"spec.{phase}.{each['name']}.argv")
        if template.spec.get("list") is not None:
            _command(template.spec["list"], "spec.list")
        names = template.spec.get("env") or []
        if not isinstance(names, list) or any(
            not isinstance(each, str) or not VARIABLE.fullmatch(each) for each in names
        ):
            raise Invalid.at("spec.env", "must list names of variables")
        ours = next((each for each in names if OURS.match(each)), None)
        if ours:
            raise Invalid.at("spec.env", f"{ours} is the portal's own, and is not handed on")

    def run(self, call: Call) -> Answer:
        try:
            command = _command(call.step.get("argv"), "argv")
        except Invalid as wrong:
            return Answer("failed", error=wrong.message, hopeless=True)
        named = {
            "PORTCULLIS_PHASE": call.phase,
            "PORTCULLIS_STEP": call.name,
            "PORTCULLIS_KEY": call.key,
            "PORTCULLIS_FENCE": str(call.fence),
            "PORTCULLIS_LABEL": call.label,
        }
        told = _run(command, call.body, _variables(call.template) | named, call.timeout)
        return _read(told, call)

    def poll(self, call: Call, ticket: Json) -> Answer:
        return Answer("failed", error="A command is over when it has ended.")

    def lists(self, template: Template) -> bool:
        return bool(template.spec.get("list"))

    def list(self, template: Template) -> Iterable[Found]:
        try:
            command = _command(template.spec["list"], "spec.list")
        except Invalid as wrong:
            raise CannotList(wrong.message) from wrong
        told = _run(command, {"list": "portal-env"}, _variables(template), TIMEOUT)
        if told["late"] or told["code"] != 0:
            raise CannotList(f"The command ended with {told['code']}: {told['err'][-300:]}")
        return answers.found(_last(told["out"]))


def _folder() -> Path:
    if not settings.LOCAL_COMMANDS:
        raise Invalid.at(
            "provider", "local commands are off: PORTCULLIS_LOCAL_COMMANDS names the folder that they are in"
        )
    return Path(settings.LOCAL_COMMANDS).resolve()


def _command(argv: Any, path: str) -> list[str]:
    """With the whole path of the file, which lies in the folder itself."""
    folder = _folder()
    if (
        not isinstance(argv, list)
        or not 1 <= len(argv) <= MOST_WORDS
        or any(not isinstance(each, str) or len(each) > LONGEST_WORD or "\x00" in each for each in argv)
    ):
        raise Invalid.at(path, f"must be a list of up to {MOST_WORDS} words, a command first")
    if not NAME.fullmatch(argv[0]):
        raise Invalid.at(path, f"“{argv[0][:100]}” is no name of a file in {folder}")
    file = folder / argv[0]
    if file.resolve().parent != folder or not file.is_file() or not os.access(file, os.X_OK):
        raise Invalid.at(path, f"there is no command “{argv[0]}” in {folder}")
    return [str(file), *argv[1:]]


def _variables(template: Template) -> dict[str, str]:
    names = template.spec.get("env") or []
    return {name: os.environ[name] for name in names if name in os.environ and not OURS.match(name)}


def _run(command: list[str], body: Json, variables: dict[str, str], seconds: int) -> Json:
    words = [sys.executable, "-I", str(LEASH), str(seconds), *command]
    process = subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=variables,
        cwd=_folder(),
        start_new_session=True,
    )
    assert process.stdin and process.stdout
    try:
        process.stdin.write(json.dumps(body).encode() + b"\n")
        process.stdin.flush()
        told = _awaited(process, seconds + GRACE)
    except (OSError, ValueError) as error:
        told = {"code": -9, "late": True, "out": "", "err": f"The command could not be watched: {error}"}
    finally:
        process.kill()  # the end of the leash is the end of all that it holds
        process.stdin.close()
        process.stdout.close()
        process.wait()
    return told


def _awaited(process: "subprocess.Popen[bytes]", seconds: float) -> Json:
    """Its standard input stays open meanwhile: the leash takes the end of that for ours."""
    assert process.stdout
    end, text = time.monotonic() + seconds, b""
    while more := _more(process.stdout.fileno(), end):
        text += more
    told: Json = json.loads(text)
    return told


def _more(pipe: int, end: float) -> bytes:
    if not select.select([pipe], [], [], max(end - time.monotonic(), 0))[0]:
        raise TimeoutError("it does not answer")
    return os.read(pipe, 65536)


def _read(told: Json, call: Call) -> Answer:
    said = _last(told["out"])
    output = f"{told['out']}{told['err']}"
    if told["late"]:
        return Answer("failed", output=output, error=f"The command was ended after {call.timeout} s.")
    if told["code"] != 0:
        error = f"The command ended with {told['code']}: {told['err'].strip()[-300:]}"
        return Answer("failed", output=output, error=error)
    if call.phase == "verify":
        if said.get("present") not in (True, False):
            return Answer("failed", output=output, error='The command did not say {"present": true} or false.')
        return Answer("present" if said["present"] else "gone", output=output)
    answer = answers.read(200, json.dumps(said).encode(), call)
    return Answer("done", output=output, resources=answer.resources, address=answer.address)


def _last(text: str) -> Json:
    """The last line, where it is a JSON object."""
    lines = [each for each in text.splitlines() if each.strip()]
    try:
        said = json.loads(lines[-1]) if lines else {}
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
