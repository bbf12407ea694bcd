"""The page of what an event is about."""

from django.urls import NoReverseMatch, reverse

from portal.audit.models import Event

# Nouns whose pages are addressed by the noun's id.
PAGES = {
    "action": "actions:action_detail",
    "blueprint": "catalog:entity_list",
    "environment": "environments:detail",
    "freeze": "locks:freeze_detail",
    "github_import": "github:import",
    "integration": "integrations:called",
    "lock": "locks:lock_detail",
    "lock_rule": "locks:rule_detail",
    "probe": "health:probe",
    "run": "actions:run_detail",
    "starter": "starters:starter",
}
LISTS = {
    "break_glass_code": "locks:code_list",
    "break_glass_use": "locks:code_list",
    "inbox_item": "deployments:inbox",
    "override": "locks:override_list",
    "sweep": "environments:sweep_list",
}


def subject_url(event: Event) -> str:
    """Empty where there is none, or none any more."""
    if event.name.endswith(".deleted"):
        return ""
    if event.noun in PAGES:
        return _page(PAGES[event.noun], event.noun_id)
    if event.noun == "watch":
        return _page("deployments:deployment", str(event.payload.get("deployment")))
    if event.noun in LISTS:
        return reverse(LISTS[event.noun])
    if event.noun in {"claim", "ticket"} and event.service:
        return reverse("catalog:entity_detail", args=["service", event.service])
    if event.blueprint and event.entity:
        return reverse("catalog:entity_detail", args=[event.blueprint, event.entity])
    return ""


def _page(name: str, key: str) -> str:
    try:
        return reverse(name, args=[key])
    except NoReverseMatch:
        return ""
