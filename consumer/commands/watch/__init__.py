"""Watch: the verdicts of an input as they are published, a line each"""
