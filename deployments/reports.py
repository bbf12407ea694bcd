"""A deployment report as it is sent, parsed once: all faults at once, each with its path."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from deployments import instances
from deployments.models import Deployment, Status
from locks import runs
from portal.kit.clock import instant, iso
from portal.kit.errors import Invalid
from portal.kit.spelling import check_spelling

Json = dict[str, Any]

FUTURE_ALLOWED = timedelta(minutes=5)
MOST_CHANGES = 500
MOST_PARENTS = 100
TEXTS = {
    "service": 1000,
    "environment": 1000,
    "version": 300,
    "commit": 100,
    "previous_commit": 100,
    "ref": 300,
    "message": 20000,
    "author": 254,
    "actor": 254,
    "artifact": 500,
    "decision": 2000,
    "claim": 100,
}
# What a report may say besides.
OTHERS = {
    "status",
    "kind",
    "started_at",
    "finished_at",
    "ci",
    "fence",
    "changes",
    "history",
    "boundary",
    "instances",
    "extra",
}
CI = {"provider", "run", "attempt", "url"}
CHANGE_TEXTS = ("sha", "message", "author", "pr", "url")


@dataclass(frozen=True)
class Report:
    """`provider`, `run` and `attempt` identify the deployment; without a run each report is one of its own.

    `decision` is the gate's receipt and `claim` a claim's id, which show that the gate was passed. `boundary` are
    commits outside the changes that `previous_commit` contains: there the branches among the changes began. `history`
    are commits that it contains and that are no changes: what is known of the time before the first report.
    `is_history`: it was loaded long after, and uses up nothing of the gate.
    """

    service: str
    environment: str
    status: Status
    kind: str = Deployment.Kind.DEPLOY
    version: str = ""
    commit: str = ""
    previous_commit: str = ""
    ref: str = ""
    message: str = ""
    author: str = ""
    actor: str = ""
    artifact: str = ""
    decision: str = ""
    claim: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    provider: str = ""
    run: str = ""
    attempt: int = 1
    run_url: str = ""
    fence: int | None = None
    changes: list[Json] = field(default_factory=list)
    boundary: list[str] = field(default_factory=list)
    history: list[Json] = field(default_factory=list)
    instances: list[Json] | None = None
    extra: Json = field(default_factory=dict)
    is_history: bool = False

    @property
    def run_key(self) -> str:
        """The run as the gate and its claims know it; "" for none."""
        return runs.key(self.provider, self.run, self.attempt) if self.run else ""


class _Reader:
    """Reads one body and gathers what is wrong with it."""

    def __init__(self, body: Json, now: datetime) -> None:
        self.body, self.now = body, now
        self.faults: list[dict[str, str]] = []

    def fault(self, path: str, message: str) -> None:
        self.faults.append({"path": path, "message": message})

    def text(self, source: Json, key: str, longest: int, path: str = "") -> str:
        value = source.get(key)
        path = path or key
        if value is None:
            return ""
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            self.fault(path, "must be a text")
        elif len(value) > longest:
            self.fault(path, f"is {len(value)} characters long; {longest} are allowed")
        else:
            return value.strip()
        return ""

    def choice(self, key: str, choices: list[str], default: str) -> str:
        value = self.body.get(key, default)
        if value not in choices:
            self.fault(key, f"must be one of {', '.join(choices)}")
            return default
        return str(value)

    def when(self, key: str) -> datetime | None:
        value = self.body.get(key)
        if value is None:
            return None
        try:
            moment = instant(value, key)
        except Invalid as wrong:
            self.faults += wrong.details["errors"]
            return None
        if moment > self.now + FUTURE_ALLOWED:
            self.fault(key, "lies more than 5 minutes in the future; check the clock of the sender")
        return moment

    def whole(self, source: Json, key: str, path: str, default: int | None) -> int | None:
        value = source.get(key, default)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31):
            return value
        if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
            return int(value)
        self.fault(path, "must be a whole number")
        return default

    def objects(self, key: str, kind: type, default: Any) -> Any:
        value = self.body.get(key)
        if value is None:
            return default
        if not isinstance(value, kind):
            self.fault(key, "must be a list" if kind is list else "must be an object")
            return default
        return value

    def commits(self, key: str) -> list[Json]:
        given = self.objects(key, list, [])
        if len(given) > MOST_CHANGES:
            self.fault(key, f"holds {len(given)}; {MOST_CHANGES} are allowed")
            return []
        read: list[Json] = []
        for position, change in enumerate(given):
            path = f"{key}.{position}"
            if not isinstance(change, dict) or not change.get("sha"):
                self.fault(path, "must be an object with a sha")
                continue
            texts = {name: self.text(change, name, 5000, f"{path}.{name}") for name in CHANGE_TEXTS}
            known = {name: value for name, value in texts.items() if value}
            read.append(known | self.lineage(change, path))
        return read

    def instances(self, status: str) -> list[Json] | None:
        given = self.objects("instances", list, None)
        if given is None:
            return None
        if len(given) > instances.MOST:
            self.fault("instances", f"holds {len(given)}; {instances.MOST} are allowed")
            return None
        read = [self.instance(each, f"instances.{position}", status) for position, each in enumerate(given)]
        seen: set[tuple[str, str]] = set()
        for position, each in enumerate(read):
            key = each["name"], each.get("region", "")
            if key in seen and each["name"]:
                self.fault(f"instances.{position}", f"“{each['name'][:60]}” is named twice")
            seen.add(key)
        return instances.ordered(read)

    def instance(self, given: Any, path: str, status: str) -> Json:
        """By its name, or by its region where one is all there is; without a status it stands as the deployment does."""
        if not isinstance(given, dict):
            self.fault(path, "must be an object with a name or a region")
            return {"name": "", "status": status}
        longest = {"name": instances.LONGEST_NAME, "region": instances.LONGEST_NAME, "version": 300, "commit": 100}
        texts = {key: self.text(given, key, most, f"{path}.{key}") for key, most in longest.items()}
        if not (texts["name"] or texts["region"] or any(each["path"].startswith(path) for each in self.faults)):
            self.fault(path, "give it a name or a region")
        if not texts["name"]:
            texts["name"], texts["region"] = texts["region"], ""
        said = given.get("status", status)
        said = status if said is None else said
        if said not in Status.values:
            self.fault(f"{path}.status", f"must be one of {', '.join(Status.values)}")
            said = status
        return {"status": said} | {key: value for key, value in texts.items() if value or key == "name"}

    def lineage(self, change: Json, path: str) -> Json:
        """What git knows of a commit beside its words. No parents at all is a root, which is not the same as none told."""
        found: Json = {"patch_id": self.text(change, "patch_id", 64, f"{path}.patch_id")}
        if change.get("committed_at") is not None:
            try:
                found["committed_at"] = iso(instant(change["committed_at"], f"{path}.committed_at"))
            except Invalid as wrong:
                self.faults += wrong.details["errors"]
        known = {key: value for key, value in found.items() if value}
        return known if change.get("parents") is None else known | {"parents": self.shas(change, "parents", path)}

    def shas(self, source: Json, key: str, path: str = "", most: int = MOST_PARENTS) -> list[str]:
        value = source.get(key)
        path = f"{path}.{key}".lstrip(".")
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, str) and len(each) <= 100 for each in value):
            self.fault(path, "must be a list of shas")
        elif len(value) > most:
            self.fault(path, f"holds {len(value)}; {most} are allowed")
        else:
            return value
        return []


def parse(body: Any, *, now: datetime, needs_version: bool = True, is_history: bool = False) -> Report:
    """The report, or Invalid with all its faults. `needs_version`: a version or a commit has to be there."""
    if not isinstance(body, dict):
        raise Invalid.at("body", "must be an object")
    reader = _Reader(body, now)
    texts = {key: reader.text(body, key, longest) for key, longest in TEXTS.items()}
    ci = reader.objects("ci", dict, {})
    changes, history = reader.commits("changes"), reader.commits("history")
    status = Status(reader.choice("status", Status.values, Status.SUCCESS))
    report = Report(
        **texts,
        status=status,
        kind=reader.choice("kind", Deployment.Kind.values, Deployment.Kind.DEPLOY),
        started_at=reader.when("started_at"),
        finished_at=reader.when("finished_at"),
        provider=reader.text(ci, "provider", 40, "ci.provider"),
        run=reader.text(ci, "run", 500, "ci.run"),
        attempt=reader.whole(ci, "attempt", "ci.attempt", 1) or 1,
        run_url=reader.text(ci, "url", 2000, "ci.url"),
        fence=reader.whole(body, "fence", "fence", None),
        changes=changes,
        history=history,
        boundary=reader.shas(body, "boundary", most=MOST_CHANGES),
        instances=reader.instances(status),
        extra=reader.objects("extra", dict, {}),
        is_history=is_history,
    )
    _check_whole(report, reader)
    if needs_version and not (report.version or report.commit):
        reader.fault("version", "give a version, a commit, or both")
    if reader.faults:
        raise Invalid.of(reader.faults)
    return report


def check_names(body: Any) -> None:
    """Invalid where a field is misspelt: a failure whose `statuss` nobody reads would be told as a success."""
    if isinstance(body, dict):
        check_spelling(body, TEXTS.keys() | OTHERS)
        if isinstance(body.get("ci"), dict):
            check_spelling(body["ci"], CI, path="ci.")


def _check_whole(report: Report, reader: _Reader) -> None:
    for name in ("service", "environment"):
        if not getattr(report, name) and not any(fault["path"] == name for fault in reader.faults):
            reader.fault(name, f"name the {name}")
    if report.run_url and not report.run_url.startswith(("https://", "http://")):
        reader.fault("ci.url", "must start with https:// or http://")
    if report.started_at and report.finished_at and report.finished_at < report.started_at:
        reader.fault("finished_at", "lies before started_at")
