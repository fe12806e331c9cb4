"""What we know and answer: facts, their rules, the HTTP API and the pages."""
