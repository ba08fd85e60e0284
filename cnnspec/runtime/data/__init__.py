"""Labelled images: where they come from, and how they are made to fit a network."""
