"""The list of guards is that of the code: see :mod:`tests.hostile.guards`."""

import ast
from pathlib import Path

import pytest

from tests.hostile.guards.table import GUARDS, NAMED, WITHOUT

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("guard", GUARDS, ids=str)
def test_a_guard_stands_where_it_is_said_to_stand(guard):
    source = (ROOT / guard.file).read_text()
    without = guard.applied(source)
    assert ast.dump(ast.parse(without)) != ast.dump(ast.parse(source))
    for named in guard.tests:
        file, _, test = named.partition("::")
        assert not test or f"def {test}(" in (ROOT / file).read_text(), named
        assert (ROOT / file).is_file(), named


def test_every_rule_has_a_guard():
    assert {guard.rule for guard in GUARDS} | WITHOUT == {*range(1, 29), *NAMED}
    assert not {guard.rule for guard in GUARDS} & WITHOUT
    assert len({(guard.rule, guard.name) for guard in GUARDS}) == len(GUARDS)
