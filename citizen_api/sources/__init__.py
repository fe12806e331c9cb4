"""One file per outside system: bytes to frozen dataclasses. No database, no business rule, no HTTP."""
