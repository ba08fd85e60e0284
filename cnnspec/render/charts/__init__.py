"""Charts of a network's figures as SVG, drawn without any library: pure functions of a summary or of given points."""
