"""Host SDK of the Vigie bracelet."""
