"""The honest comparison: arms on the same splits, with the same budget, and words that follow."""
