"""How many bits a model has learned of known data."""
