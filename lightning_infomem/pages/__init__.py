"""Rankings and runs as one HTML page."""
