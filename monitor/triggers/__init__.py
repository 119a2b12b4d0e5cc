"""A drift episode asks for retraining: one file per target, plus what is said and when."""
