"""People: organisations, staff keys and the audit log."""
