"""Faults on real brokers and real worker processes, judged by the producer's own ledger: `make faults`."""
