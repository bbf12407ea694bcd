"""Random histories of reports, and what they come to: a model that knows nothing but the reports themselves.

Nothing of the portal's code is used here. A history's reports contradict each other nowhere: a run names one version, one
commit, one start, one end. They come in any order, late and again and again, by clocks that are set differently.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ENVIRONMENTS = ("production", "staging")
NAMES = {"production": ["production", "prod", "LIVE"], "staging": ["staging"]}
LEVELS = {"pending": 0, "in_progress": 1, "success": 2, "failure": 2, "cancelled": 2, "rolled_back": 3}
LIVE_KINDS = ("deploy", "rollback")
TEXTS = {
    "ref": "main",
    "actor": "Dana",
    "artifact": "image",
    "previous_commit": "cccc333",
    "author": "Erin",
    "message": "Fix",
}
CHANGES = [{"sha": "aaaa111", "message": "From the change", "author": "Fay"}]
ZONES = ["+00:00", "+05:30", "-08:00"]


def minute(number):
    return NOON + timedelta(minutes=number)


def text_of(number, zone="+00:00"):
    sign, hours, minutes = (1 if zone[0] == "+" else -1), int(zone[1:3]), int(zone[4:])
    there = minute(number) + sign * timedelta(hours=hours, minutes=minutes)
    return there.strftime("%Y-%m-%dT%H:%M:%S") + zone


class History:
    """Of one service. `draw` is a Random. `reports` are (body, key), in the order in which they come."""

    def __init__(self, draw, service="checkout"):
        self.draw, self.service, self.loose = draw, service, 0
        # Two successes that end in the same minute on one pair: only the fence and the run tell which is greater.
        self.race = draw.random() < 0.25
        told = [
            report for number in range(2 if self.race else draw.choice([1, 2, 2, 3])) for report in self.run(number)
        ]
        self.again = [draw.choice(told) for _ in range(draw.choice([0, 0, 1]))]
        self.reports = told + self.again
        draw.shuffle(self.reports)

    def run(self, number):
        """All that is told of one run; without a name of its own it is told once, by a key."""
        draw = self.draw
        environment = "production" if self.race else draw.choice([*ENVIRONMENTS, "production"])
        named = draw.random() < 0.9
        whole = {"service": self.service, "version": draw.choice(["1.0", "1.1", "1.2"])}
        if draw.random() < 0.7:
            whole["commit"] = draw.choice(["aaaa111", "bbbb222"])
        if named:
            whole["ci"] = {
                "provider": draw.choice(["github", "gitlab"]),
                "run": f"r{number}",
                "attempt": draw.choice([1, 1, 2]),
            }
        end = draw.choice(["success"] * 5 + ([] if self.race else ["failure", "cancelled", None]))
        path = [each for each in ("pending", "in_progress") if draw.random() < 0.2] + ([end] if end else [])
        path += ["rolled_back"] if draw.random() < 0.12 else []
        path = (path or ["in_progress"])[-1:] if not named else path or ["in_progress"]
        own = {"started": draw.randint(-3, 3), "kind": draw.choice([*["deploy"] * 6, "rollback", "config", "flag"])}
        # Ends meet in a minute often: then the fence and the run tell which is greater. Loose ones have none.
        own["finished"] = own["started"] + draw.randint(0, 4)
        if self.race and named:
            own |= {"finished": 3, "kind": "deploy"}
        own["fence"] = draw.choice([None, None, 1, 2, 10])
        if not named:
            self.loose += 1
            own["finished"] = 60 + self.loose
        own["instances"] = [f"eu-{each}" for each in range(draw.choice([0, 0, 0, 3]))]
        reports = [self.report(whole, status, own) for status in path]
        sayer = draw.choice(reports)  # somebody names the start, and whoever tells of the end names it
        sayer["started_at"] = text_of(own["started"])
        for body in reports:
            body["environment"] = draw.choice(NAMES[environment])
        if own["kind"] != "deploy":
            draw.choice(reports)["kind"] = own["kind"]
        keyed = not named or draw.random() < 0.2
        return [(body, f"{self.service}-{number}-{at}" if keyed else "") for at, body in enumerate(reports)]

    def report(self, whole, status, own):
        draw = self.draw
        body = {**whole, "status": status}
        if draw.random() < 0.4:
            body |= {name: TEXTS[name] for name in TEXTS if draw.random() < 0.5}
        if draw.random() < 0.2:
            body["changes"] = CHANGES
        if draw.random() < 0.3:
            body["started_at"] = text_of(own["started"], draw.choice(ZONES))
        if LEVELS[status] == 2 or (status == "rolled_back" and draw.random() < 0.5):
            late = 9 if status == "rolled_back" else 0
            body["finished_at"] = text_of(own["finished"] + late, draw.choice(ZONES))
        if own["fence"] and draw.random() < 0.7:
            body["fence"] = own["fence"]
        if own["instances"] and draw.random() < 0.7:
            named = [each for each in own["instances"] if draw.random() < 0.7]
            body["instances"] = [{"name": each, "status": self.reached(each, status)} for each in named]
        return body

    def reached(self, name, status):
        """Each instance has one end, whoever tells of it."""
        end = "failure" if name == "eu-2" else "success"
        return self.draw.choice(["pending", "in_progress", end])


@dataclass
class Run:
    """What all reports of one run together say."""

    pair: tuple
    key: tuple  # provider, run, attempt
    bodies: list = field(default_factory=list)

    def said(self, name):
        return next((each[name] for each in self.bodies if each.get(name)), None)

    @property
    def status(self):
        return max((each["status"] for each in self.bodies), key=LEVELS.get)

    @property
    def kind(self):
        return next((each["kind"] for each in self.bodies if each.get("kind", "deploy") != "deploy"), "deploy")

    @property
    def finished(self):
        """As named for the end itself, else as named with a rollback."""
        named = [each for each in self.bodies if each.get("finished_at") and LEVELS[each["status"]] >= 2]
        named.sort(key=lambda each: LEVELS[each["status"]])
        return instant(named[0]["finished_at"]) if named else None

    @property
    def started(self):
        return instant(self.said("started_at"))

    @property
    def instances(self):
        furthest = {}
        for each in (each for body in self.bodies for each in body.get("instances", ())):
            name = each["name"]
            furthest[name] = max(furthest.get(name, "pending"), each["status"], key=LEVELS.get)
        return sorted(furthest.items())

    def text(self, name):
        """Said outright, else by the first of the changes."""
        return self.said(name) or (CHANGES[0][name] if self.said("changes") and name in ("message", "author") else "")

    @property
    def order(self):
        fence = self.said("fence")
        return (self.finished, fence is not None, fence or 0, *self.key)

    @property
    def is_live(self):
        """Of those that could be what is live."""
        return self.status == "success" and self.kind in LIVE_KINDS

    def facts(self):
        return (
            self.pair, self.key, self.status, self.kind, self.said("version") or "", self.said("commit") or "",
            self.started, self.finished or "whenever it came" if LEVELS[self.status] >= 2 else None,
            self.said("fence"), *(self.text(name) for name in sorted(TEXTS)), self.instances,
        )  # fmt: skip


def instant(text):
    return datetime.fromisoformat(text) if text else None


def runs_of(reports):
    """What a set of reports comes to, whatever their order and however often each came."""
    runs = {}
    for body, key in reports:
        environment = next(name for name, names in NAMES.items() if body["environment"] in names)
        pair, ci = (body["service"], environment), body.get("ci")
        identity = (ci["provider"], ci["run"], ci["attempt"]) if ci else ("", "", 1)
        run = runs.setdefault((pair, identity, "" if ci else key), Run(pair, identity))
        run.bodies.append(body)
    return list(runs.values())


def live_in(runs, pair, at=None):
    """What is live in a pair, now or at an instant, over everything that was told; None for nothing."""
    there = [run for run in runs if run.pair == pair and run.is_live and (at is None or run.finished <= at)]
    return max(there, key=lambda run: run.order, default=None)


def latest_in(runs, pair):
    """The one that was begun last, whatever became of it."""
    there = [run for run in runs if run.pair == pair and run.kind in LIVE_KINDS]
    return max(there, key=lambda run: (run.started or run.finished, *run.key), default=None)


def same(old, new):
    """They contradict each other in neither, and share one."""
    pairs = [(old.said(name), new.said(name)) for name in ("version", "commit")]
    return all(not a or not b or a == b for a, b in pairs) and any(a and a == b for a, b in pairs)


def ran_before(new, old, earlier):
    """What it brings ran here already, and is not what was live when it came."""
    commit, version = new.said("commit"), new.said("version")
    by_commit = commit and commit != old.said("commit") and any(each.said("commit") == commit for each in earlier)
    there = [each.said("commit") for each in earlier if each.said("version") == version]
    by_version = version != old.said("version") and any(not each or not commit or each == commit for each in there)
    return bool(by_commit or by_version)


def four_keys(runs, environment):
    """Deployments, changes, failed changes, and how long it took until each outage was over, in seconds."""
    deployed = changes = failed = 0
    mended = []
    for pair in sorted({run.pair for run in runs if run.pair[1] == environment}):
        ended = [
            run
            for run in runs
            if run.pair == pair and run.kind in LIVE_KINDS and LEVELS[run.status] >= 2 and run.finished
        ]
        ended.sort(key=lambda run: run.order)
        successes = [run for run in ended if run.status == "success"]
        back = {id(run): is_rollback(run, successes) for run in ended}
        passed, broken = 0, set()
        for run in ended:
            passed += run.status == "success"
            coming = successes[passed] if passed < len(successes) else None
            if run.status == "cancelled" or back[id(run)]:
                continue
            undone = coming is not None and back[id(coming)]
            is_failed = run.status != "success" or undone
            changes, deployed, failed = changes + 1, deployed + (run.status == "success"), failed + is_failed
            if is_failed and passed not in broken:
                broken.add(passed)
                mended += [(coming.finished - run.finished).total_seconds()] if coming else []
    return deployed, changes, failed, sorted(mended)


def is_rollback(run, successes):
    if run.kind == "rollback":
        return True
    place = next((at for at, each in enumerate(successes) if each is run), 0)
    old = successes[place - 1] if place else None
    return bool(old and not same(old, run) and ran_before(run, old, successes[:place]))
