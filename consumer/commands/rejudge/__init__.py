"""Rejudge: messages that could not be judged get the verdict they would get today."""
