"""Synthetic stand-ins for data that was never published."""
