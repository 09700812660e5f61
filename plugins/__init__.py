"""Bundled plugins. The folders of ``abah.plugins_path`` are added to this package's path."""
