"""Plants a bug: a few words of a function's source are changed for as long as a test runs.

The function keeps its identity, so whoever has imported it by name runs the mutant too.
"""

import ast
import inspect
import textwrap

import pytest

from portal.kit.errors import PortalError


def plant(monkeypatch, function, right, wrong):
    """`right` must stand in the source of the function (inside its decorators), once or more."""
    inner = inspect.unwrap(function)
    source = textwrap.dedent(inspect.getsource(inner))
    assert right in source, f"{inner.__qualname__} does not say {right!r} any more"
    tree = ast.parse(source.replace(right, wrong))
    tree.body[0].decorator_list = []
    made: dict[str, object] = {}
    exec(compile(tree, inspect.getsourcefile(inner), "exec"), inner.__globals__, made)
    monkeypatch.setattr(inner, "__code__", made[inner.__name__].__code__)


def plant_in_sql(monkeypatch, module, name, right, wrong):
    text = getattr(module, name)
    assert right in text, f"{name} does not say {right!r} any more"
    monkeypatch.setattr(module, name, text.replace(right, wrong))


def noticed(request, monkeypatch, test, *what):
    """With the bug that `what` says to plant the test, which is given its fixtures, fails, or is refused what it does."""
    asked = inspect.signature(test).parameters.values()
    given = {each.name: request.getfixturevalue(each.name) for each in asked if each.default is each.empty}
    plant(monkeypatch, *what)
    with pytest.raises((AssertionError, pytest.fail.Exception, PortalError)):
        test(**given)


def planting(bugs, *, killed=False):
    """The test of a module that plants each of its bugs in turn; `killed`: somebody is killed on the way."""

    @pytest.mark.django_db(transaction=killed)
    @pytest.mark.parametrize("bug", bugs)
    def planted(request, monkeypatch, bug):
        noticed(request, monkeypatch, *bugs[bug])

    return planted
