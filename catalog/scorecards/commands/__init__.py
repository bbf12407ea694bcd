from catalog.scorecards.commands.definitions import (
    scorecard_create,
    scorecard_delete,
    scorecard_update,
    scorecards_replace,
)
from catalog.scorecards.commands.levels import levels_compare
from catalog.scorecards.commands.rows import results_sweep

__all__ = [
    "levels_compare",
    "results_sweep",
    "scorecard_create",
    "scorecard_delete",
    "scorecard_update",
    "scorecards_replace",
]
