"""The tests mirror monitor/; every test name is a claim."""
