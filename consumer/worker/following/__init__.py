"""Followers: what changes outside while a worker runs, each with one loop and its own log lines."""
