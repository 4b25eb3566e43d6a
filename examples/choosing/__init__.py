"""Sweeps of hyperparameters with label noise, and a zoo with a word as shortcut, from which checkpoints are chosen."""
