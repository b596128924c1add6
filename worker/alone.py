"""One at a time, over all processes and machines: whoever holds the lock in Redis. It runs out with who held it."""

from redis import Redis
from redis.exceptions import LockError, RedisError

from core.errors import TryLater


class Alone:
    """A lock that must be kept: it runs out `lease` seconds after it was last kept. Raises TryLater("queue_away")."""

    def __init__(self, connection: Redis, name: str, *, lease: float) -> None:
        self._lock = connection.lock(f"alone:{name}", timeout=lease, blocking=False, thread_local=False)

    def take(self) -> bool:
        """Take it, unless somebody has it."""
        try:
            return bool(self._lock.acquire())
        except (RedisError, OSError) as error:
            raise TryLater("queue_away", str(error), counted=False) from error

    def keep(self) -> bool:
        """Begin the lease anew. False when it was lost: then somebody else is at it."""
        try:
            return bool(self._lock.reacquire())
        except LockError:
            return False
        except (RedisError, OSError) as error:
            raise TryLater("queue_away", str(error), counted=False) from error

    def leave(self) -> None:
        """Give it back. Where that is not possible it runs out."""
        try:
            self._lock.release()
        except (RedisError, OSError):
            return
