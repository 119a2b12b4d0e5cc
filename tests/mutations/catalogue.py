"""All mutations by name."""

from __future__ import annotations

from tests.mutations.deciding import DECIDING
from tests.mutations.merging import EVENT_TIME, RESTARTING
from tests.mutations.reading import READING, SCORES
from tests.mutations.splitting import SPLITTING
from tests.mutations.telling import TELLING

EVERY = READING + EVENT_TIME + RESTARTING + SCORES + TELLING + DECIDING + SPLITTING
MUTATIONS = {mutation.name: mutation for mutation in EVERY}
