"""The two sides of the sandbox: the network that carries, and the handset that shows."""
