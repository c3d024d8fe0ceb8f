"""Cases: what is known of a message under review, and what each act of a reviewer does. Pure."""
