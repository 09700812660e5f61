"""Measurements: each module's ``run()`` gives rows, every figure beside a reference from the same run."""
