"""The information plane of known networks on known data."""
