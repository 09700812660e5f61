"""What plugin authors and our own tests import: fixtures on real databases, and conformance suites.

The fixtures come as a pytest plugin (entry point ``pytest11``), so a plugin's tests need no import.
``docs/plugins/testing.md`` tells how to use them.
"""
