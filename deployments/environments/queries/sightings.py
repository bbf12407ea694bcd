from deployments.environments.models import Environment, Sighting, State

MOST = 100


def odd() -> list[Sighting]:
    """What the last looks found, and nobody suspects yet, the oldest first."""
    suspected = Environment.objects.filter(state=State.ORPHAN_SUSPECTED).values_list("public_id", flat=True)
    rows = Sighting.objects.select_related("template").exclude(label__in=[str(each) for each in suspected])
    return list(rows.order_by("since", "id")[:MOST])
