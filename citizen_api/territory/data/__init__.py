"""Bundled territory files, written by derive.py; producer, licence and date in SOURCES.md."""
