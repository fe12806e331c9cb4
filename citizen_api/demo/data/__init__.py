"""What the demo city's made-up facts start from. Where it comes from is in SOURCES.md."""
