"""Deployments, and the verdict of whoever watched one."""

from portal.audit.models import Event
from portal.notifications.notice import Link, Notice, says
from portal.notifications.words.phrases import after, facts_of, page, service_page, text

GROUP = "Deployments"
OVER = {"success", "failure", "cancelled", "rolled_back"}
BAD = {"failure", "rolled_back"}
ENDED = {
    "success": ("went through", "rocket", "good"),
    "failure": ("failed", "x", "bad"),
    "cancelled": ("was cancelled", "no_entry_sign", "plain"),
    "rolled_back": ("was rolled back", "rewind", "bad"),
}
NOUNS = {"rollback": "rollback", "config": "change of settings", "flag": "change of flags"}
VERDICTS = {"passed": ("good", "white_check_mark"), "failed": ("bad", "x"), "inconclusive": ("plain", "grey_question")}


def _ends(event: Event) -> bool:
    """Whether it says for the first time what became of a deployment."""
    status = after(event).get("status")
    return status in OVER and status != (event.before or {}).get("status")


def _is_bad(event: Event) -> bool:
    return after(event).get("status") in BAD


def _deployment(event: Event) -> Notice:
    facts = after(event)
    what, emoji, tone = ENDED.get(text(facts.get("status")), ("is reported", "package", "plain"))
    noun = NOUNS.get(text(facts.get("kind")), "deployment")
    version = text(facts.get("version")) or text(facts.get("commit"))[:7]
    said = f"The {noun} of {event.service} {version} to {event.environment} {what}"
    return Notice(
        " ".join(said.split()),
        facts_of(
            ("Commit", text(facts.get("commit"))[:12]),
            ("Message", _first_line(text(facts.get("message")))),
            ("Author", facts.get("author")),
            ("Deployed by", facts.get("actor")),
            ("Gate", "passed without being asked" if facts.get("gate") == "ungated" and tone == "bad" else None),
            ("CI", Link(facts["run_url"], "See the run") if facts.get("run_url") else None),
        ),
        Link(page("deployments:deployment", event.noun_id), "See the deployment"),
        tone="good" if tone == "good" else "bad" if tone == "bad" else "plain",
        emoji="rewind" if facts.get("kind") == "rollback" and tone == "good" else emoji,
        thread=event.stream,
        standing=" ".join(said.split()),
        folds=True,
    )


@says("deployment.reported", "A deployment has ended", group=GROUP, matters=_ends, is_bad=_is_bad)
def reported(event: Event) -> Notice:
    return _deployment(event)


@says("deployment.updated", "A deployment that was under way has ended", group=GROUP, matters=_ends, is_bad=_is_bad)
def updated(event: Event) -> Notice:
    return _deployment(event)


def _verdict(event: Event) -> str:
    return text(event.payload.get("verdict") or after(event).get("verdict"))


@says(
    "watch.closed",
    "The watch over a deployment ends",
    group=GROUP,
    is_bad=lambda event: _verdict(event) == "failed",
)
def watched(event: Event) -> Notice:
    told, verdict = event.payload, _verdict(event)
    tone, emoji = VERDICTS.get(verdict, VERDICTS["inconclusive"])
    said = {
        "passed": f"{_what(event)} is healthy since it was deployed",
        "failed": f"{_what(event)} does worse since it was deployed",
    }.get(verdict, f"Nobody can say how {_what(event)} does since it was deployed")
    deployment = text(told.get("deployment"))
    return Notice(
        said,
        facts_of(
            ("Verdict", verdict),
            ("Because", text(told.get("reason"))),
            ("Values", _found(told.get("values"))),
            ("Commit", text(told.get("commit"))[:12]),
        ),
        Link(page("deployments:deployment", deployment), "See the deployment")
        if _is_id(deployment)
        else service_page(event),
        tone="good" if tone == "good" else "bad" if tone == "bad" else "plain",
        emoji=emoji,
        thread=f"deployment:{deployment}" if deployment else "",
    )


def _what(event: Event) -> str:
    version = text(event.payload.get("version")) or text(event.payload.get("commit"))[:7]
    where = f" in {event.environment}" if event.environment else ""
    return f"{event.service or event.title} {version}".strip() + where


def _is_id(value: str) -> bool:
    return len(value) == 36 and value.count("-") == 4 and value.replace("-", "").isalnum() and value.isascii()


def _first_line(message: str) -> str:
    return message.strip().partition("\n")[0]


def _found(values: object) -> str:
    """Of each probe that got worse: `front door 2 of 3 failed, status 503, ms 40`."""
    if not isinstance(values, dict):
        return ""
    worse = {name: each for name, each in values.items() if isinstance(each, dict) and each.get("found")}
    return "; ".join(
        f"{name} {each.get('failed')} of {each.get('results')} failed, {values_of(_without_time(each['found']))}"
        for name, each in worse.items()
    )


def _without_time(found: object) -> object:
    return {name: each for name, each in found.items() if name != "at"} if isinstance(found, dict) else found


def values_of(values: object) -> str:
    """`status 503, after 0.4 s`: the first eight of those that made it so."""
    if not isinstance(values, dict):
        return ""
    shown = [f"{name} {text(each)[:80]}" for name, each in values.items() if each not in (None, "", [], {})]
    return ", ".join(shown[:8])
