from catalog.scorecards.queries.judging import (
    Result,
    judged,
    judges,
    level_of,
    results,
    said,
    scorecard,
    scorecard_by_key,
    scorecards,
    standing,
)
from catalog.scorecards.queries.shares import Shares, by_team, days, is_bounded, shares, told_fix
from catalog.scorecards.queries.sight import require_sight

__all__ = [
    "Result",
    "Shares",
    "by_team",
    "days",
    "is_bounded",
    "judged",
    "judges",
    "level_of",
    "require_sight",
    "results",
    "said",
    "scorecard",
    "scorecard_by_key",
    "scorecards",
    "shares",
    "standing",
    "told_fix",
]
