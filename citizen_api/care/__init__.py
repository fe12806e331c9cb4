"""Facilities, opening hours, duty, the nearest-care directory."""
