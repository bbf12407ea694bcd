"""Statements that PostgreSQL parses and plans once for each connection, several of them in one round trip.

psycopg's cursor would do it for one at a time, and as much again beside: it copes with whatever may be asked. What is
sent, awaited, dumped and loaded here is psycopg's; docs/decisions/0047 says what is left out.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import adapt, errors, generators, pq
from psycopg.types.datetime import TimestamptzLoader
from psycopg.types.numeric import Int8Dumper

Row = tuple[Any, ...]
Params = Mapping[str, Any] | Sequence[Any]

MOST_PREPARED = 300
# A statement is gone, or would no longer answer what it did: somebody has changed a table under it.
FORGOTTEN = (errors.InvalidSqlStatementName, errors.FeatureNotSupported)
_PLACEHOLDER = re.compile(r"%(?:\((\w+)\)s|s|%)")


class Session:
    """One connection, and what it has prepared."""

    def __init__(self, connection: "psycopg.Connection[Row]"):
        self._connection, self._wire = connection, connection.pgconn
        context = psycopg.Cursor(connection)
        # Django's own sets the time zone that every instant has here already.
        context.adapters.register_loader("timestamptz", TimestamptzLoader)
        # A number's type would go by its size, and with it the statement that is prepared.
        context.adapters.register_dumper(int, Int8Dumper)
        self._adapter = adapt.Transformer(context)
        self._names: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._made = 0

    def ask(self, asked: Sequence[tuple[str, Params]]) -> list[list[Row]]:
        """The rows of each. With the first of a transaction goes its BEGIN.

        What one statement wrote, those after it see; where one fails, none after it is run. Raises its psycopg.Error.
        """
        with self._connection.lock:
            ready = [self._ready(*each) for each in asked]
            begins = not self._connection.autocommit and self._wire.transaction_status == pq.TransactionStatus.IDLE
            if begins or len(ready) > 1:
                results = self._together(ready, begins)
            else:
                self._wire.send_query_prepared(*ready[0])
                results = self._connection.wait(generators.execute(self._wire))
        for result in results:
            self._check(result)
        return [self._rows(result) for result in results[begins:]]

    def _together(self, ready: Sequence[tuple[Any, ...]], begins: bool) -> list[pq.abc.PGresult]:
        try:
            self._wire.enter_pipeline_mode()
            if begins:
                self._wire.send_query_params(b"BEGIN", None)
            for each in ready:
                self._wire.send_query_prepared(*each)
            self._wire.pipeline_sync()
            self._connection.wait(generators.send(self._wire))
            results = [self._connection.wait(generators.fetch_many(self._wire))[-1] for _ in range(begins + len(ready))]
            self._connection.wait(generators.fetch_many(self._wire))
            self._wire.exit_pipeline_mode()
        except BaseException:
            self._connection.close()  # nobody knows what is still to come on it
            raise
        return results

    def _ready(self, query: str, params: Params) -> tuple[Any, ...]:
        text, order = _numbered(query)
        values = [params[name] for name in order] if isinstance(params, Mapping) else params
        try:
            dumped = self._adapter.dump_sequence(values, [adapt.PyFormat.AUTO] * len(values))
        except UnicodeEncodeError as half:
            raise errors.DataError("PostgreSQL holds no half of a character.") from half
        key = (query, self._adapter.types or ())
        name = self._names.get(key) or self._prepare(key, text)
        return name, dumped, self._adapter.formats

    def _prepare(self, key: tuple[str, tuple[int, ...]], text: bytes) -> bytes:
        if len(self._names) >= MOST_PREPARED:
            oldest = next(iter(self._names))
            self._run(b"DEALLOCATE " + self._names.pop(oldest))
        self._made += 1
        name = b"portcullis_%d" % self._made
        self._wire.send_prepare(name, text, key[1])
        for result in self._connection.wait(generators.execute(self._wire)):
            self._check(result)
        self._names[key] = name
        return name

    def _run(self, command: bytes) -> None:
        self._wire.send_query(command)
        for result in self._connection.wait(generators.execute(self._wire)):
            self._check(result)

    def _check(self, result: pq.abc.PGresult) -> None:
        if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            error = errors.error_from_result(result)
            if isinstance(error, FORGOTTEN):
                self._names.clear()  # the next time all are prepared anew
            raise error

    def _rows(self, result: pq.abc.PGresult) -> list[Row]:
        if not result.nfields:
            return []
        self._adapter.set_pgresult(result)
        return list(self._adapter.load_rows(0, result.ntuples, tuple))


@lru_cache(maxsize=2 * MOST_PREPARED)
def _numbered(query: str) -> tuple[bytes, tuple[str, ...]]:
    """With $1, $2 for the placeholders; and the names behind the numbers, where they have names."""
    names: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        return f"${names.setdefault(found[1] or str(len(names)), len(names) + 1)}"

    return _PLACEHOLDER.sub(number, query).encode(), tuple(names)
