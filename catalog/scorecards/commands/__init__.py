from catalog.scorecards.commands.definitions import (
    scorecard_create,
    scorecard_delete,
    scorecard_update,
    scorecards_replace,
)
from catalog.scorecards.commands.levels import levels_compare

__all__ = [
    "levels_compare",
    "scorecard_create",
    "scorecard_delete",
    "scorecard_update",
    "scorecards_replace",
]
