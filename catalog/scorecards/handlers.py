from typing import Any

from catalog.schema.renames import Rename
from catalog.scorecards.commands import scorecard_update
from catalog.scorecards.models import Scorecard
from portal.kit.by import By


def renamed(rename: Rename, by: By) -> None:
    """Scorecards of the blueprint ask by the new name."""
    for scorecard in Scorecard.objects.filter(blueprint__identifier=rename.blueprint).select_related("blueprint"):
        wished: dict[str, Any] = {
            "rules": [each | {"query": rename.of_rule(each["query"], rename.blueprint)} for each in scorecard.rules]
        }
        if scorecard.filter:
            wished["filter"] = rename.of_rule(scorecard.filter, rename.blueprint)
        scorecard_update(scorecard, wished, partial=True, by=by)
