"""How fast the survey's tables are made, against the tools that people would otherwise use."""
