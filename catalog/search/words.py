"""Full text: all words must be there, in any property, each perhaps only begun; or a part of the identifier or the title.

What is written together stands together: "1.10" finds the version, not any 1 and any 10.
"""

import re
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
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


class _Among(Func):
    """`id = ANY (ARRAY(SELECT …))`: the list is made first, from the indexes."""

    template = "(%(expressions)s))"
    arg_joiner = " = ANY ("
    output_field = BooleanField()


def words(rows: QuerySet[Entity], text: str) -> QuerySet[Entity]:
    """Those that hold all words of the text; all of them for a blank one."""
    text = text.strip()
    if not text:
        return rows
    matching = _matching(text)
    if not re.search(r"\w{3}", text):  # the index of parts knows nothing shorter; what is that common is soon met
        return rows.filter(matching)
    # Left to choose, PostgreSQL walks the whole kind in its order for a word that it takes for more common than it is.
    found = Entity.objects.filter(matching).order_by().values("pk")
    return rows.filter(_Among(F("pk"), ArraySubquery(found)))


def _matching(text: str) -> Q:
    pattern = Value("%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%")
    part = Q(_Like(F("identifier"), pattern)) | Q(_Like(F("title"), pattern))
    begun = [f"{together}:*" for each in text.split() if (together := _together(each))][:MOST_WORDS]
    if not begun:
        return part
    return Q(_Matches(_Words(F("id")), SearchQuery(" & ".join(begun), config="simple", search_type="raw"))) | part


def _together(text: str) -> str:
    return " <-> ".join(word[:LONGEST_WORD].lower() for word in re.findall(r"[^\W_]+", text)[:MOST_WORDS])
