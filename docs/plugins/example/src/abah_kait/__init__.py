"""Messages through the bots of the messenger Kait."""
