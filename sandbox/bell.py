"""Rings when the world changed, so that open pages hear of it. Knows nothing of what changed."""

import asyncio


class Bell:
    """Used from the one event loop of the app only."""

    def __init__(self) -> None:
        self.rung = 0
        self._waiting: set[asyncio.Event] = set()

    def ring(self) -> None:
        self.rung += 1
        for event in self._waiting:
            event.set()

    async def after(self, rung: int, patience: float) -> int:
        """Returns the present count, at once when it differs from `rung`, else when it rings or patience ends."""
        if self.rung != rung:
            return self.rung
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            async with asyncio.timeout(patience):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(event)
        return self.rung
