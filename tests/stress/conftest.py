import pytest

from catalog import queries as catalog
from tests.conftest import write

SHORT, LONG = 8, 60


@pytest.fixture
def seconds(pytestconfig):
    return float(pytestconfig.getoption("--stress-seconds") or SHORT)


@pytest.fixture
def places(db, seconds):
    """Few enough to be fought for: all services in all environments."""
    services, environments = (5, 4) if seconds >= LONG else (3, 2)
    for number in range(environments):
        write("environment", f"e{number}", properties={"tier": ["staging", "test"][number % 2]})
    for number in range(services):
        write("service", f"s{number}", team=("payments",) if number % 2 else ())
    return [catalog.place(f"s{s}", f"e{e}") for s in range(services) for e in range(environments)]
