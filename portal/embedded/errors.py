class CannotStart(Exception):
    """A sentence for the person at the terminal: what is in the way, and what to do."""
