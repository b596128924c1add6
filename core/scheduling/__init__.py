"""Decide which creations are dispatched next, in which order, and estimate when they are done."""

from core.scheduling.dispatcher import Dispatcher, reserve_price

__all__ = ["Dispatcher", "reserve_price"]
