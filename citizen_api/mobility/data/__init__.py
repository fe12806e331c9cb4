"""Bundled tables of mobility: local factors (producers, licences and dates in SOURCES.md) and transit planners."""
