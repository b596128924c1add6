"""Who waits, in which order, who is called up next, and how long it will take."""

from core.line.line import Line, price_of_one

__all__ = ["Line", "price_of_one"]
