"""
One policy, one message, one judgement.

May import domain, errors, interfaces, reliability and telemetry.
"""
