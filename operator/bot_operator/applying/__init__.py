"""What a plan does: writes where something differs, and Events."""
