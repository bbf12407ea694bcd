"""What is live in a place, as the cells of any table that shows it."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from portal.kit.templatetags.kit import age, clock, icon, initials, middle, short_sha, status_chip, tint, until

Row = Mapping[str, Any]


def service(row: Row) -> SafeString:
    return format_html('{}<span class="sr-only"> in {}</span>', middle(row["service"], 26), row["environment"])


def environment(row: Row) -> SafeString:
    tier = format_html(' <span class="muted small">{}</span>', row["tier"]) if row["tier"] != row["environment"] else ""
    return format_html("<span>{}{}</span>", middle(row["environment"], 24), tier)


def version(row: Row) -> SafeString:
    if not (row["version"] or row["commit"]):
        return mark_safe('<span class="muted">not deployed</span>')
    said = middle(row["version"], 18)
    return format_html('<span><span class="mono strong" title="{}">{}</span> {}</span>', row["ref"], said, commit(row))


def commit(row: Row) -> SafeString:
    if row["commit_url"]:
        return format_html('<a class="sha" href="{}">{}</a>', row["commit_url"], short_sha(row["commit"]))
    return format_html('<span class="sha">{}</span>', short_sha(row["commit"]))


def status(row: Row) -> SafeString:
    chip = status_chip(row["status"]) if row["status"] else mark_safe("")
    if not row["latest_failed"]:
        return chip
    why = "The last deployment failed" + ("; the version beside still runs" if row["version"] or row["commit"] else "")
    return format_html('<span title="{}">{}<span class="sr-only"> {}</span></span>', why, chip, why)


def lock(row: Row) -> SafeString:
    """Who holds it, until when, and why."""
    held = row["lock"]
    if not held:
        return mark_safe('<span class="muted small">open</span>')
    line = format_html(
        '<a class="lock-line" href="{}">{}<span>{} · {}</span></a>',
        held["url"],
        icon("lock", "Locked"),
        held["holder"],
        clock(held["expires_at"]) if held["past"] else until(held["expires_at"]),
    )
    reason = format_html('<span class="message small muted" title="{}">{}</span>', held["reason"], held["reason"])
    return format_html('<span class="lock-facts">{} {}</span>', line, reason)


def deployed(row: Row) -> SafeString:
    if not row["deployed_at"]:
        return mark_safe('<span class="muted">never</span>')
    who = row["deployed_by"] or "unknown"
    face = mark_safe('<span class="avatar" aria-hidden="true">?</span>')
    if row["deployed_by"]:
        face = format_html('<span class="avatar chip-{}" aria-hidden="true">{}</span>', tint(who), initials(who))
    return format_html(
        '<span class="two">{}{}<span class="muted small">{}{}</span></span>',
        face,
        age(row["deployed_at"]),
        who,
        _author(row),
    )


def _author(row: Row) -> SafeString:
    author = row["author"]
    if not author or author == row["deployed_by"]:
        return mark_safe("")
    return format_html(
        ' <span class="avatar avatar-small chip-{}" role="img" aria-label="written by {}" title="Written by {}">{}</span>',
        tint(author),
        author,
        author,
        initials(author),
    )


def links(row: Row) -> SafeString:
    if not row["links"]:
        return mark_safe("")
    place = f"{row['service']} in {row['environment']}"
    made = (
        (link["url"], link["label"], f"{link['label']} of {place}", icon(link["icon"] or "external-link"))
        for link in row["links"]
    )
    one = '<a class="button button-small button-icon button-plain" href="{}" rel="noopener" title="{}" aria-label="{}">{}</a>'
    return format_html('<span class="tight-buttons">{}</span>', format_html_join("", one, made))


def health(row: Row) -> SafeString:
    """Nothing where nothing probes it. With a tick where what was reported is what runs."""
    return format_html(
        '<span class="health-cell">{}<span>{}</span>{}</span>',
        row["health_dot"],
        row["health_word"],
        row["health_tick"],
    )


# By the column that they stand in.
CELLS: dict[str, Callable[[Row], SafeString]] = {
    "$title": service,
    "relations.environment": environment,
    "version": version,
    "status": status,
    "health": health,
    "locked": lock,
    "deployedAt": deployed,
    "$links": links,
}
