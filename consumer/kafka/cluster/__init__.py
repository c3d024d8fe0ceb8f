"""What the brokers are asked, and told, about topics, groups and transactions."""
