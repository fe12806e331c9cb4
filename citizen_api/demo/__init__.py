"""The demo city: made-up facts dated now, published over loopback in real formats and read by the real readers."""
