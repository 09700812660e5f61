"""What every test of the tree shares: nothing of its own.

The fixtures come from ``core.testing.fixtures``, which pytest finds through the entry point
``pytest11`` of the installed distribution, exactly as in the tests of a plugin elsewhere.
"""
