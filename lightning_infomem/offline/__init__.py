"""Measuring checkpoints that carry no report: a model and data to a report, and the cache of such reports."""
