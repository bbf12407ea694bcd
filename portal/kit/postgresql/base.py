"""Django's own connection to PostgreSQL, but for the question whether it still stands."""

import select

import psycopg
from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
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
