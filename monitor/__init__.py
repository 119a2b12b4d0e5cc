"""Driftline finds drift in the inputs and predictions of models whose predictions travel through Kafka.

The folders show the flow: `drift` (pure statistics on counts) is used by `logs` (bytes to columns) and `pipeline`
(batches to envelopes to windows); `worker`, `transport`, `server` and `triggers` are the process around them, and
`cli` is the command. Imports go in that direction only; tests/test_repository.py enforces it.
"""

__version__ = "0.1.0"
