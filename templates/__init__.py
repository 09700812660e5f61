"""Shared pages of the application; inside Python this folder is ``core.templates``."""
