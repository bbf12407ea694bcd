"""Actions that are there."""

from typing import Any

import pytest

from tests.conftest import V1
from tests.contract.actions import LOCK, SCAFFOLD


@pytest.fixture
def lock(shop: Any, terraform: V1) -> Any:
    answer = terraform.post("actions", LOCK)
    assert answer.status == 201, answer.json
    return answer.json["action"]


@pytest.fixture
def scaffold(terraform: V1) -> Any:
    return terraform.post("actions", SCAFFOLD).json["action"]
