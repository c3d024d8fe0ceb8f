"""What the demo runs: a broker, workers, people who write, a moderator; and what comes out."""
