"""Why a file is not taken as a picture."""


class Unreadable(Exception):
    """No picture of a kind that is read, or a broken one."""


class TooLarge(Unreadable):
    """More pixels than are read. The text says how many it has."""


class TooSlow(Unreadable):
    """Reading it takes longer than allowed: no honest file does."""
