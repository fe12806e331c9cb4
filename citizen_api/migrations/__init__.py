"""Alembic migrations. `alentours db upgrade` runs them."""
