"""Makes environments for the demo: folders with real files, and a page at a real port for each. Standard library only.

`python -m portal.embedded.provider --folder FOLDER --port PORT`
POST /steps            does one step of the portal's; the same key again is answered as the first time
GET  /resources        {"resources": [{"label", "since", "detail"}]}: everything there is
"""

import argparse
import contextlib
import json
import shutil
import sys
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

Json = dict[str, Any]

HOST = "127.0.0.1"
LARGEST = 1024 * 1024


class Refused(Exception):
    """With the status that says why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Provider:
    """What there is lies in the folder: `<label>/about.json` and its files; `keys/` holds the answers that were given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = folder / "keys"
        self.keys.mkdir(parents=True, exist_ok=True)
        self.pages: dict[str, ThreadingHTTPServer] = {}
        self.lock = threading.RLock()
        for about in folder.glob("*/about.json"):
            if json.loads(about.read_text()).get("served"):
                self.serve(about.parent.name)

    def step(self, body: Json) -> tuple[int, Json]:
        label, key = name_of(body["label"]["portal-env"]), name_of(body["key"])
        with self.lock:
            if body["phase"] == "verify":
                return self.verify(label)
            done = self.keys / f"{key}.json"
            if done.exists():
                return 200, json.loads(done.read_text())
            self.check_fence(label, int(body["fence"]))
            answer = self.act(body["phase"], body["step"], label, body)
            write(done, answer)
            return 200, answer

    def act(self, phase: str, step: str, label: str, body: Json) -> Json:
        place = self.folder / label
        if phase == "provision":
            place.mkdir(exist_ok=True)
            if step == "data":
                write(place / "data.json", {"inputs": body["inputs"], "rows": 3})
            if step == "server":
                self.serve(label)
        elif phase in ("sleep", "wake"):
            self.serve(label) if phase == "wake" else self.stop(label)
        elif step == "server":
            self.stop(label)
        elif step == "data":
            (place / "data.json").unlink(missing_ok=True)
        elif step == "folder":
            self.stop(label)
            shutil.rmtree(place, ignore_errors=True)
        if place.exists():
            self.tell(label, name=body["environment"]["name"])
        return self.facts(label) | {"output": f"{phase} {step} of {body['environment']['name']}: done"}

    def verify(self, label: str) -> tuple[int, Json]:
        is_there = (self.folder / label).exists()
        return (200, {"present": True} | self.facts(label)) if is_there else (404, {"error": "There is no such thing."})

    def resources(self) -> list[Json]:
        with self.lock:
            labels = sorted(each.name for each in self.folder.iterdir() if each.is_dir() and each != self.keys)
            return [
                {"label": each, "since": self.about(each).get("since"), "detail": str(self.folder / each)}
                for each in labels
            ]

    def facts(self, label: str) -> Json:
        place = self.folder / label
        files = sorted(each.name for each in place.iterdir()) if place.exists() else []
        found: Json = {"resources": [{"kind": "file", "id": str(place / each)} for each in files]}
        if label in self.pages:
            address = f"http://{HOST}:{self.pages[label].server_address[1]}/"
            found["resources"].append({"kind": "port", "id": address})
            found["address"] = address
        return found

    def check_fence(self, label: str, fence: int) -> None:
        """One who comes late, after another has been let in, is refused."""
        highest = self.keys / f"{label}.fence"
        known = int(highest.read_text()) if highest.exists() else 0
        if fence < known:
            raise Refused(409, f"The fence {fence} is older than {known}.")
        highest.write_text(str(fence))

    def serve(self, label: str) -> None:
        if label in self.pages:
            return
        name = self.about(label).get("name") or label
        page = ThreadingHTTPServer((HOST, self.about(label).get("port") or 0), page_of(str(name)))
        threading.Thread(target=page.serve_forever, daemon=True).start()
        self.pages[label] = page
        self.tell(label, served=True, port=page.server_address[1])

    def stop(self, label: str) -> None:
        page = self.pages.pop(label, None)
        if page:
            page.shutdown()
            page.server_close()
        if (self.folder / label).exists():
            self.tell(label, served=False)

    def about(self, label: str) -> Json:
        try:
            found: Json = json.loads((self.folder / label / "about.json").read_text())
            return found
        except (OSError, ValueError):
            return {}

    def tell(self, label: str, **more: Any) -> None:
        since = datetime.now(UTC).isoformat(timespec="seconds")
        write(self.folder / label / "about.json", {"since": since} | self.about(label) | more)


def write(path: Path, told: Json) -> None:
    """Whole, or not at all."""
    making = path.with_name(path.name + ".making")
    making.write_text(json.dumps(told))
    making.rename(path)


def name_of(text: Any) -> str:
    """One that can be a file's: nobody leaves the folder by a name."""
    name = str(text)
    label = name.partition(".")[0]
    try:
        UUID(label)
    except ValueError as error:
        raise Refused(422, f"{label[:50]!r} is no label of the portal.") from error
    if not all(each.isalnum() or each in "-." for each in name) or ".." in name or len(name) > 120:
        raise Refused(422, "That is no key.")
    return name


def page_of(name: str) -> type[BaseHTTPRequestHandler]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self, 200, {"environment": name, "status": "up"})

        def log_message(self, *args: Any) -> None:
            """Nobody reads it."""

    return Page


def handler_of(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        wbufsize = -1  # one answer, one packet

        def do_GET(self) -> None:
            found = {"resources": provider.resources()} if self.path == "/resources" else None
            answer(self, 200 if found else 404, found or {"error": "There is nothing here."})

        def do_POST(self) -> None:
            try:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(min(length, LARGEST)))
                status, told = provider.step(body)
            except Refused as refused:
                status, told = refused.status, {"error": str(refused)}
            except (ValueError, KeyError, TypeError, AttributeError) as odd:
                status, told = 422, {"error": f"That is no step: {odd}"}
            answer(self, status, told)

        def log_message(self, format: str, *args: Any) -> None:
            print(time.strftime("%H:%M:%S"), format % args, file=sys.stderr, flush=True)

    return Handler


def answer(handler: BaseHTTPRequestHandler, status: int, told: Json) -> None:
    raw = json.dumps(told).encode()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    chosen = parser.parse_args()
    ThreadingHTTPServer((HOST, chosen.port), handler_of(Provider(chosen.folder))).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
