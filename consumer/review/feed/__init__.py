"""Feed: from the topics into the store, and from its outbox back to the topics."""
