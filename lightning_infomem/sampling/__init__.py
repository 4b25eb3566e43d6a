"""Select layers, rows and units, and capture their activations during a forward pass."""
