"""What is computed, as people and programs read it: text, tables, HTML, JSON."""
