"""What is computed from a layer graph: cost, receptive field, memory, warnings, checks."""
