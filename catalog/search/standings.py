"""How entities stand by scorecards, as SQL. The app that judges them says how; here it is only asked."""

from collections.abc import Callable

from django.db.models import Expression

from catalog.models import Blueprint

Standing = Callable[[Blueprint, str, str], Expression]

_told: list[Standing] = []


def tell(standing: Standing) -> None:
    """`standing(blueprint, scorecard, rule)` is a text: a level, or SUCCESS or FAILURE where a rule is named; null out of its filter.

    It raises Missing for a scorecard or a rule that there is not.
    """
    _told[:] = [standing]


def of(blueprint: Blueprint, scorecard: str, rule: str) -> Expression:
    return _told[0](blueprint, scorecard, rule)
