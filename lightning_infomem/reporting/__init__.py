"""From reports to what a logger takes: names, scalars, histograms, figures."""
