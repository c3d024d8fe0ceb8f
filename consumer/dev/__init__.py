"""
Stand-ins for what a laptop lacks: a broker, an inference server, users who write messages.

Never imported in production. May import `domain` and `errors`, and says in its output that it is a
stand-in.
"""
