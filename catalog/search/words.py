"""Full text: all words must be there, in any property, each perhaps only begun; or a part of the identifier or the title.

What is written together stands together: "1.10" finds the version, not any 1 and any 10.
"""

import re
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db import connection
from django.db.models import BigIntegerField, BooleanField, F, Func, Q, QuerySet, Value
from django.utils.functional import cached_property

from catalog.models import Entity

MOST_FOUND = 1000
MOST_WORDS = 20
LONGEST_WORD = 100


class _Matches(Func):
    template = "(%(expressions)s)"
    arg_joiner = " @@ "
    output_field = BooleanField()


class _Words(Func):
    """The column that PostgreSQL keeps of an entity's words; no field of the model, so that no list reads it."""

    output_field = SearchVectorField()

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> Any:  # type: ignore[override]
        (own,) = self.get_source_expressions()
        return f"{compiler.quote_name_unless_alias(own.alias)}.words", []


class _Like(Func):
    """Django's own folds case by a function, which the index of parts does not know."""

    template = "(%(expressions)s)"
    arg_joiner = " ILIKE "
    output_field = BooleanField()


class _Among(Func):
    template = "(%(expressions)s))"
    arg_joiner = " = ANY ("
    output_field = BooleanField()


@dataclass(frozen=True)
class Found:
    """`every`: all that hold the words, for whoever finds them all before he puts any in order."""

    every: QuerySet[Entity]

    @property
    def count(self) -> int:
        """It stops at one more than MOST_FOUND."""
        return len(self._first)

    @cached_property
    def rows(self) -> QuerySet[Entity]:
        """All that hold the words; few are named by their keys.

        A rare word is found by its index. Left to choose, PostgreSQL walks the whole kind in its order for a word that
        it takes for more common than it is.
        """
        return self.every if self.count > MOST_FOUND else self.some

    @property
    def some(self) -> QuerySet[Entity]:
        """All of them where they are few, else some that were met first: for whoever offers a handful at every key."""
        return self.every.filter(_Among(F("pk"), Value(self._first, ArrayField(BigIntegerField()))))

    @cached_property
    def _first(self) -> list[int]:
        """Their keys, up to one more than is counted, in no order: made for all of them, and stopped."""
        sql, parameters = self.every.order_by().values("pk").query.sql_with_params()
        query = f"with found(id) as materialized ({sql}) select id from found limit {MOST_FOUND + 1}"
        with connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return [key for (key,) in cursor.fetchall()]


def words(rows: QuerySet[Entity], text: str) -> Found:
    """Those that hold all words of the text, which is not blank."""
    return Found(rows.filter(_matching(text.strip())))


def begun(rows: QuerySet[Entity], text: str) -> QuerySet[Entity]:
    """Those whose identifier or title begins with the text."""
    return rows.filter(_called(_plain(text.strip()) + "%"))


def _plain(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _called(pattern: str) -> Q:
    return Q(_Like(F("identifier"), Value(pattern))) | Q(_Like(F("title"), Value(pattern)))


def _matching(text: str) -> Q:
    part = _called(f"%{_plain(text)}%")
    parts = [f"{together}:*" for each in text.split() if (together := _together(each))][:MOST_WORDS]
    if not parts:
        return part
    return Q(_Matches(_Words(F("id")), SearchQuery(" & ".join(parts), config="simple", search_type="raw"))) | part


def _together(text: str) -> str:
    return " <-> ".join(word[:LONGEST_WORD].lower() for word in re.findall(r"[^\W_]+", text)[:MOST_WORDS])
