"""Judges texts whose verdict is known, and texts made to change it; may know domain/ only."""
