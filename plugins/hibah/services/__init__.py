"""Rules of the grants, one module per subject."""
