"""
The service: settings become parts, parts become a member of the group.

The only room that knows all below it: `worker` runs, `wiring` builds, `serve` and `supervisor` are
processes.
"""
