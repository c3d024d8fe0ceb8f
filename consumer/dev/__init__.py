"""
Stand-ins for what a laptop lacks: a broker, an inference server, users who write messages.

The service never imports it, and it says in its output that it is a stand-in. May import `domain`
and `errors`; `demo` alone, which runs the real worker on the stand-ins, imports that too.
"""
