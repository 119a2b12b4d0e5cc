"""Settings for all tests.

Hypothesis has no deadline per example, because the machines that run them are shared and noisy.
"""

from __future__ import annotations

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

settings.register_profile("driftline", deadline=None)
settings.load_profile("driftline")

SERVICES = "tests/services/"


class Scheduling(LoadScopeScheduling):
    """Tests on services run one after the other in one process, for they mind a busy machine; the others, module by
    module, beside it.
    """

    def _split_scope(self, nodeid: str) -> str:
        return SERVICES if nodeid.startswith(SERVICES) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """What `make test` distributes the tests by."""
    return Scheduling(config, log)
