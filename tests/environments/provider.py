"""The provider of these tests: the demo's, in a process of its own, that can be told to lie, to be early, and to hang.

`POST /faults [{"phase", "step"?, "do"}]`: each is used once, in order. `do` is one of
lie: answers 200, and nothing is done · early: the next verification is answered 404, whatever is there ·
act_and_hang: does it, and answers nothing · hang: does nothing and answers nothing · fail: answers 500 ·
later: does nothing, and answers 202.
`GET /calls` answers what it was asked, in order.
"""

import json
import sys
import time
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from portal.embedded.provider import HOST, Provider, answer, handler_of

HANGS = 2.0  # seconds


class Faulty(Provider):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.faults: list[dict[str, Any]] = []
        self.calls: list[dict[str, Any]] = []

    def step(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        told = {"begun": time.time(), **{name: body[name] for name in ("phase", "step", "key", "fence", "attempt")}}
        self.calls.append(told)
        try:
            return self.faulty(body, self.fault(body))
        finally:
            told["ended"] = time.time()

    def fault(self, body: dict[str, Any]) -> str:
        for each in self.faults:
            if each["phase"] == body["phase"] and each.get("step") in (None, body["step"]):
                self.faults.remove(each)
                return str(each["do"])
        return ""

    def faulty(self, body: dict[str, Any], do: str) -> tuple[int, dict[str, Any]]:
        if do == "lie":
            return 200, {"output": "I have done it, believe me."}
        if do == "early":
            return 404, {}
        if do == "fail":
            return 500, {"error": "out of order"}
        if do == "later":
            return 202, {"after": 1}
        if do == "hang":
            time.sleep(HANGS)
            return 500, {}
        done = super().step(body)
        if do == "act_and_hang":
            time.sleep(HANGS)
        return done


def main() -> None:
    provider = Faulty(Path(sys.argv[1]))
    usual = handler_of(provider)

    class Handler(usual):
        def do_GET(self):
            if self.path == "/calls":
                return answer(self, 200, {"calls": provider.calls})
            return super().do_GET()

        def do_POST(self):
            if self.path != "/faults":
                return super().do_POST()
            provider.faults[:] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            provider.calls.clear()
            return answer(self, 200, {})

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer((HOST, 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
