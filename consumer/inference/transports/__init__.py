"""How a request travels: two transports behind one seam, the same bytes on the wire."""
