"""Reports: one self-contained page for a summary, a profile or a comparison; and the same as Markdown."""
