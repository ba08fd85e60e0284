"""Training: short, honest runs that say whether a network learns."""
