"""The demo: a real market, a small honest model, and the day when the world it was trained on ended."""
