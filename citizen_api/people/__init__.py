"""People: residents' devices and their wishes; organisations, staff keys and the audit log."""
