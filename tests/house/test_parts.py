"""bin/test runs two halves at once: together they are everything."""

from collections import Counter

from tests.servers import files_of


def test_every_file_is_in_one_part_and_the_parts_weigh_about_the_same():
    tests = Counter({f"tests/{folder}/test_{n}.py": n for folder in ("catalog", "browser") for n in range(1, 30)})
    parts = [files_of(n, 2, tests) for n in range(2)]
    assert parts[0] | parts[1] == set(tests)
    assert parts[0] & parts[1] == set()
    weights = [sum(tests[path] * (5 if "browser" in path else 1) for path in part) for part in parts]
    assert abs(weights[0] - weights[1]) < 10
