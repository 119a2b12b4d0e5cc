"""Bytes to counts: one file per format behind the small contract of `contract.py`."""
