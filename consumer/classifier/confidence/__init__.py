"""How sure a judgement is, and which ones are looked at twice."""
