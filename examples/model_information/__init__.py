"""Studies of model information on small data sets."""
