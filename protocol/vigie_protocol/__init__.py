"""Every byte on the wire and in the log of the Vigie bracelet, defined once."""
