"""Builds of Driftline that are broken on purpose, each in one small way, and the tests that notice.

A check that cannot fail on a broken build is no check. `python -m tests.mutations` breaks a copy of this tree in one
way after the other and runs the tests that should catch it; `mutated` gives such a copy to whoever wants to run it.
"""

from tests.mutations.catalogue import MUTATIONS
from tests.mutations.copies import copied, mutated
from tests.mutations.mutation import Edit, Mutation

__all__ = ["MUTATIONS", "Edit", "Mutation", "copied", "mutated"]
