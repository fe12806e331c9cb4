"""How a message reaches a phone or a browser: one module for each push service."""
