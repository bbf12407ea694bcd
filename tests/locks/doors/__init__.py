"""The doors of the gate. Each knows how to ask for the deeds it has, and reads its answer as whoever stands there would."""

from tests.locks.doors.admin import ADMIN
from tests.locks.doors.api import API
from tests.locks.doors.catalog import CATALOG
from tests.locks.doors.command_line import COMMAND_LINE
from tests.locks.doors.pages import PAGES
from tests.locks.doors.slack import SLACK

DOORS = {"pages": PAGES, "admin": ADMIN, "api": API, "catalog": CATALOG, "command line": COMMAND_LINE, "slack": SLACK}
