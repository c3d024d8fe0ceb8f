"""
One policy, one message, one judgement; it sits on `inference`, which talks to the servers.

May import inference, domain, errors, interfaces and telemetry.
"""
