"""The gate beside a model that knows nothing but sets, over random histories (S4, S5, S7)."""

import pytest

from tests.locks.history import History


@pytest.mark.parametrize("seed", [1, 2])
def test_the_gate_agrees_with_a_model_of_sets_over_random_histories(shop, seed):
    assert list(History(seed).play(60)) == []
