"""Errors of the reader."""


class Unreadable(Exception):
    """The file is broken, or no image of a supported format."""


class TooLarge(Unreadable):
    """The image has too many pixels. The text has their number."""


class TooSlow(Unreadable):
    """Reading takes too long. Ordinary files never do."""
