"""`{{ jq }}` in definitions."""

import pytest

from portal.actions.templates import fill
from portal.kit.errors import Invalid

GIVEN = {"inputs": {"environment": "Production", "reason": 'a "cut" over', "count": 3, "tags": ["a", "b"]}, "n": None}


@pytest.mark.parametrize(
    ("tree", "filled"),
    [
        ("plain", "plain"),
        ("{{ .inputs.count }}", 3),
        ("{{.inputs.tags}}", ["a", "b"]),
        ("{{ .n }}", None),
        ("{{ .inputs.environment }} ({{ .inputs.count }}){{ .n }}", "Production (3)"),
        ("{{ {a: {b: .inputs.count}} }}", {"a": {"b": 3}}),
        ("{{ '}}' + .inputs.environment }}", "}}Production"),
        ("{{ without an end", "{{ without an end"),
        ([1, True, None, {"a": "{{ .inputs.count }}"}], [1, True, None, {"a": 3}]),
        (
            {"{{ if .inputs.environment == 'Production' then 'locked_in_prod' else 'locked_in_test' end }}": True},
            {"locked_in_prod": True},
        ),
        ({"{{ .n }}": 1, "kept": 2}, {"kept": 2}),
        ({"{{ spreadValue() }}": "{{ .inputs }}", "count": 4}, GIVEN["inputs"] | {"count": 4}),
    ],
)
def test_what_is_written_is_filled_in(tree, filled):
    assert fill(tree, GIVEN) == filled


def test_an_expression_that_cannot_be_reckoned_is_named():
    with pytest.raises(Invalid, match=r"inputs\.count \+ 'x'"):
        fill({"a": "{{ .inputs.count + 'x' }}"}, GIVEN)


def test_only_an_object_is_spread():
    with pytest.raises(Invalid, match="nothing to spread"):
        fill({"{{ spreadValue() }}": "{{ .inputs.tags }}"}, GIVEN)


def test_what_is_given_is_never_a_program():
    assert fill("{{ .said }}", {"said": "{{ .secret }}", "secret": 1}) == "{{ .secret }}"
