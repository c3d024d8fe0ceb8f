"""Message brokers for tests: a real Apache Kafka on this machine."""
