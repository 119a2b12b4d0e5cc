"""The decision rule in simulation: models whose truth is known."""
