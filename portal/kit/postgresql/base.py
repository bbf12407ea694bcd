"""Django's own connection to PostgreSQL, but for the question whether it still stands, and with statements that are
prepared."""

import select
from collections.abc import Sequence
from typing import Any

import psycopg
from django.db.backends.postgresql import base

from portal.kit.postgresql.session import Params, Row, Session


class DatabaseWrapper(base.DatabaseWrapper):
    _session: Session | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        made = super().get_new_connection(conn_params)
        self._session = None if made.prepare_threshold is None else Session(made)
        return made

    def ask(self, asked: Sequence[tuple[str, Params]]) -> list[list[Row]]:
        """The rows of each statement, parsed and planned once for this connection, all in one round trip.

        Where statements are logged or watched, or must not be prepared, they are ordinary ones, for the log to say what
        was asked.
        """
        self.ensure_connection()
        if self._session is None or self.queries_logged or self.execute_wrappers:
            return [self._ask_plainly(*each) for each in asked]
        self.validate_no_broken_transaction()
        with self.wrap_database_errors:
            return self._session.ask(asked)

    def _ask_plainly(self, query: str, params: Params) -> list[Row]:
        with self.cursor() as cursor:
            cursor.execute(query, params)
            return cursor.fetchall() if cursor.description else []

    def is_usable(self) -> bool:
        """Asks the server only where something came in that nobody waits for: its farewell, most likely.

        Asked before every request, the question would be a statement more for all of them.
        """
        if self.connection is None:
            return False
        return self._is_quiet() or super().is_usable()

    def _is_quiet(self) -> bool:
        try:
            told = select.poll()
            told.register(self.connection.pgconn.socket, select.POLLIN)
            return not told.poll(0)
        except (psycopg.Error, OSError):
            return False
