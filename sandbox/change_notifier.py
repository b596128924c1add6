"""Wake up open pages when the world changes."""

import asyncio


class ChangeNotifier:
    """Count changes and wake the waiting coroutines. Only for use in the app's event loop."""

    def __init__(self) -> None:
        self.version = 0
        self._waiting: set[asyncio.Event] = set()

    def notify(self) -> None:
        self.version += 1
        for event in self._waiting:
            event.set()

    async def wait_after(self, version: int, timeout_seconds: float) -> int:
        """Return the current version: at once if it is not `version`, else after a change or the timeout."""
        if self.version != version:
            return self.version
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            async with asyncio.timeout(timeout_seconds):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(event)
        return self.version
