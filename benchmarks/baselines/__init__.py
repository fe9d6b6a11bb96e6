"""The baselines, each written as a good engineer would."""
