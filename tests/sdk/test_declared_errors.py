"""Every error that AWS declares for an operation is produced by a test, or listed
in `departures.py` with the reason why it cannot be. Looks at the whole run."""

import pytest

from api import declared_errors
from departures import UNPRODUCED, UNSERVED
from documentation import unproduced
from produced import SEEN, missing_parts


@pytest.fixture
def whole_run(request: pytest.FixtureRequest) -> None:
    """A part of the tests says nothing about all of them."""
    missing = missing_parts(request.config, request.session.items)
    if missing:
        pytest.skip(f"only a part of the tests was run: {'; '.join(missing[:3])}")
    if request.session.testsfailed:
        pytest.skip("other tests have failed, so what they produce is missing")


def test_every_declared_error_is_produced_or_listed(whole_run):
    missing = [
        f"{error} of {operation}"
        for operation, errors in sorted(declared_errors().items())
        if operation not in UNSERVED
        for error in sorted(errors - unproduced(operation).keys())
        if (operation, error) not in SEEN
    ]
    assert not missing, (
        f"no test produces {missing}: write one, or add a reason to departures.UNPRODUCED"
    )


def test_no_error_is_listed_that_a_test_produces(whole_run):
    declared = declared_errors()
    stale = []
    for operation, error in UNPRODUCED:
        everywhere = {it for it in declared if error in declared[it] and it not in UNSERVED}
        wanted = everywhere if operation == "*" else {operation}
        if wanted and all((it, error) in SEEN for it in wanted):
            stale.append((operation, error))
    assert not stale, f"take these out of departures.UNPRODUCED, tests produce them: {stale}"
