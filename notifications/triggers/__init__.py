"""Facts x audience -> messages."""
