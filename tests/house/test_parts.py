"""bin/test starts two runs that share the files: together they run everything, and nothing twice."""

from itertools import zip_longest
from types import SimpleNamespace

from tests.sharing import batches, taken


def case(path: str, number: int, *fixtures: str) -> SimpleNamespace:
    nodeid = f"tests/{path}::test_{number}"
    return SimpleNamespace(nodeid=nodeid, fixturenames=fixtures, get_closest_marker=lambda name: None)


def test_two_runs_take_each_test_once_and_the_slow_files_first(tmp_path):
    items = [case(f"catalog/test_{file}.py", n, "db") for file in range(5) for n in range(file + 1)]
    items += [case("browser/test_live.py", n, "live_server") for n in range(4)]
    items += [case("catalog/test_2.py", 9, "transactional_db"), *(case("embedded/test_up.py", n) for n in range(2))]
    runs = [taken(batches(list(items)), tmp_path) for _ in range(2)]
    taken_by = [[each for each in run if each] for run in zip(*zip_longest(*runs), strict=True)]
    assert all(taken_by)
    assert sorted(map(id, [*taken_by[0], *taken_by[1]])) == sorted(map(id, items))
    order = [name for name, _ in batches(items)]
    assert order[0].endswith("embedded/test_up.py") and order[1].endswith("catalog/test_4.py")
    assert [name.partition("tests/")[2] for name in order[-2:]] == ["browser/test_live.py", "catalog/test_2.py"]
