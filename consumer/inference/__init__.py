"""
Talking to inference servers, knowing nothing of policies.

Transports, whose fault a failed call is, what each kind of server is like, how many calls one takes
at once and when to wait. May import domain, errors, interfaces and telemetry.
"""
