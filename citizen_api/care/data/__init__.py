"""Bundled calendar of care, written by a derive script; producer, licence and date in SOURCES.md."""
