"""Migrations of the journal, and what alembic runs them by."""
