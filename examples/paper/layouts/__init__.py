"""Readers of the public data sets in the layouts in which they are published, and what is said where one is damaged."""
