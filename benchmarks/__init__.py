"""Measurements: ``run()`` of a module gives figures, each beside a reference of the same run."""
