"""How work gets run: by a thread of the background process, or by Celery. The ledger is in the database, not here."""
