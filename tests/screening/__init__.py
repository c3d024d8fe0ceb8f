"""Screening, shown: what is avoided on public sets, and that its tests hold what they promise."""
