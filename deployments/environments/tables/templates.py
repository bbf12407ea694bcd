"""Templates as their pages show them."""

from datetime import timedelta
from typing import Any

from django.urls import reverse

from deployments.environments.models import Template
from deployments.environments.tables.rows import in_turn, money
from deployments.environments.terms import WARNINGS
from portal.kit.by import By
from portal.kit.clock import in_words

Json = dict[str, Any]

WARNED = [timedelta(minutes=each) for each in WARNINGS]


def template_row(template: Template, by: By, living: int = 0) -> Json:
    price = template.cost_per_hour
    return {
        "identifier": template.identifier,
        "title": template.title,
        "description": template.description,
        "enabled": template.enabled,
        "provider": template.get_provider_display(),
        "usual": in_words(template.default_ttl),
        "warned": in_turn([in_words(each) for each in WARNED if each < template.default_ttl]),
        "greatest": in_words(template.greatest_ttl),
        "hard_cap": in_words(template.hard_cap),
        "sleeps": template.can_sleep,
        "teams": template.teams,
        "per_day": "" if price is None else money(round(price * 24, 2)),
        "living": living,
        "living_url": reverse("environments:environment_list", query={"template": template.identifier}),
        "new_url": reverse("environments:new_of", args=[template.identifier]),
        "edit_url": reverse("environments:template_edit", args=[template.identifier]),
    }
