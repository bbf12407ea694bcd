"""Full text: all words must be there, in any property, each perhaps only begun; or a part of the identifier or the title."""

import re
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db.models import BooleanField, F, Func, Q, QuerySet, Value

from catalog.models import Entity

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


def words(rows: QuerySet[Entity], text: str) -> QuerySet[Entity]:
    """Those that hold all words of the text; all of them for a blank one."""
    text = text.strip()
    if not text:
        return rows
    pattern = Value("%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%")
    part = Q(_Like(F("identifier"), pattern)) | Q(_Like(F("title"), pattern))
    begun = [f"{word[:LONGEST_WORD].lower()}:*" for word in re.findall(r"[^\W_]+", text)][:MOST_WORDS]
    if not begun:
        return rows.filter(part)
    vector = _Words(F("id"))
    query = SearchQuery(" & ".join(begun), config="simple", search_type="raw")
    return rows.filter(Q(_Matches(vector, query)) | part)
