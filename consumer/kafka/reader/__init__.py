"""Reads topics outside the group: to an end that was taken, or on and on as they change."""
