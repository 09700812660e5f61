"""The plugin framework: manifests, loading, lifecycle, settings, fenced hooks."""
