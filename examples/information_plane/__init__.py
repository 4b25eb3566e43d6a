"""Information-plane studies of known networks on known data."""
