"""The pure core: functions of counts, with no I/O, no clock and no hidden randomness."""
