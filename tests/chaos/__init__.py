"""Chaos: real workers on real brokers, hurt by a schedule, and the topics audited afterwards."""
