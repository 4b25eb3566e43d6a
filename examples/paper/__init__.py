"""The experiments of "Measures of Information Reflect Memorization Patterns" (NeurIPS 2022), on data of the user's."""
