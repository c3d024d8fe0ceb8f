"""
Talking to inference servers, knowing nothing of policies.

Who asks brings a `Question`: its bytes, and how its answer is read. In `fleet/` are the endpoints
and the choice among them, in `pacing/` how many calls go out at once, in `transports/` how a call
travels, in `wires/` what the two APIs say, in `blame/` whose fault a failed call is. May import
domain (but no policy), errors, interfaces and telemetry.
"""
