"""History of the sandbox's tables."""
