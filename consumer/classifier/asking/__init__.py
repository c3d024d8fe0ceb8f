"""How one question is asked until there is a judgement, or a reason why there never will be."""
