"""What people's review holds under load and kills: `make review`."""
