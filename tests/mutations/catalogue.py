"""All mutations by name."""

from __future__ import annotations

from tests.mutations.deciding import DECIDING
from tests.mutations.merging import EVENT_TIME, RESTARTING
from tests.mutations.reading import READING, SCORES

MUTATIONS = {mutation.name: mutation for mutation in READING + EVENT_TIME + RESTARTING + SCORES + DECIDING}
