"""The experiments of "Measures of Information Reflect Memorization Patterns" (NeurIPS 2022), on your data."""
