"""Which layers, rows and units are looked at, and how activations are caught on the way through a network."""
