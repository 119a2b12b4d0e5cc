"""From batches of a log to envelopes, from envelopes to windows and verdicts: no I/O, no clock."""
