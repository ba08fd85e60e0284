"""From the syntax tree to the layer graph: names, expressions, expansion, shapes."""
