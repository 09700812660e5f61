"""History of the tables of the grants."""
