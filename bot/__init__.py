"""Hears: reads X, writes down, decides whom to answer."""
