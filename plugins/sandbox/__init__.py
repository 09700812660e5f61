"""A telephone in the browser: a network of our own for demonstration, tests and training."""
