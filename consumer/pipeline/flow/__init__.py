"""How much is under way: limits of records and lanes, budgets of calls and tokens."""
