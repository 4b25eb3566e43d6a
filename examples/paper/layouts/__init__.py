"""Read public data sets in their published layouts, with clear errors for damaged files."""
