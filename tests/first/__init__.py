"""The first hours of a newcomer, played from the wheel on."""
