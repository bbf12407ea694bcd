"""`python -m tests.journeys.pipelines SECONDS FOLDER SERVICE=EXIT...`: many CI jobs that ask the gate, in turn for each service.

Each is the command line itself in a process of its own, but loaded once: starting Python is none of the portal's work.
Closing its input ends the asking; it then waits for all answers and prints `asked` and those `wrong`, as JSON.
"""

import json
import os
import select
import sys
from pathlib import Path
from types import ModuleType

from tests.ci.conftest import command_line


def ask(portcullis: ModuleType, service: str, said: Path) -> int:
    """The process that asks."""
    if child := os.fork():
        return child
    words = os.open(said, os.O_WRONLY | os.O_CREAT)
    os.dup2(words, 1), os.dup2(words, 2)
    code = 99
    try:
        code = portcullis.main(["portcullis", "check", "--service", service, "--environment", "production"])
    finally:
        os._exit(code)


def main(seconds: str, folder: str, *expected: str) -> None:
    portcullis, asked = command_line(), []
    while not select.select([sys.stdin], [], [], float(seconds))[0]:
        service, _, code = expected[len(asked) % len(expected)].partition("=")
        said = Path(folder) / f"{len(asked)}.txt"
        asked.append((service, int(code), ask(portcullis, service, said), said))
    ended = [(*each, os.waitstatus_to_exitcode(os.waitpid(each[2], 0)[1])) for each in asked]
    wrong = [(service, code, said.read_text()) for service, wished, _, said, code in ended if code != wished]
    print(json.dumps({"asked": len(asked), "wrong": wrong}))


if __name__ == "__main__":
    main(*sys.argv[1:])
