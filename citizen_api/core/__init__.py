"""The kernel: settings, database, clock, problems, outgoing HTTP. It knows no Flask and imports nothing of ours."""
