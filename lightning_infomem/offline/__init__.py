"""Measure checkpoints that carry no report, from a model and data, and cache the reports."""
