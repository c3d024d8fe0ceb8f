"""Stores what we publish at the brokers, in order and once; start reading at `sink.py`."""
