"""
Talking to inference servers, knowing nothing of policies.

Who asks brings a `Question`: its bytes, and how its answer is read. Here are the fleet and its
endpoints, transports, the wires of two APIs, whose fault a failed call is, what each kind of server
is like, how many calls one takes at once and when to wait. May import domain (but no policy),
errors, interfaces and telemetry.
"""
