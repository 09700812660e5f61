"""The only package of the core that plugins import, one module per subject."""
