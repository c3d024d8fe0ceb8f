"""What inference servers do wrong: the names, how each looks on the wire, and at which rates."""
