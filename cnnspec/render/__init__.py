"""What a person or a program sees: the only rooms that lay out text."""
