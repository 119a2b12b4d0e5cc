"""All mutations by name."""

from __future__ import annotations

from tests.mutations.merging import EVENT_TIME, RESTARTING
from tests.mutations.reading import READING, SCORES
from tests.mutations.telling import TELLING

MUTATIONS = {mutation.name: mutation for mutation in READING + EVENT_TIME + RESTARTING + SCORES + TELLING}
