"""Let one process of all machines do something, with a lock in Redis that expires if its holder dies."""

from redis import Redis
from redis.exceptions import LockError, RedisError

from core.errors import TryLater


class LeaseLock:
    """A lock that expires `duration` seconds after it was last renewed. Raises TryLater("queue_away")."""

    def __init__(self, connection: Redis, name: str, *, duration: float) -> None:
        self._lock = connection.lock(f"lock:{name}", timeout=duration, blocking=False, thread_local=False)

    def acquire(self) -> bool:
        """Take the lock. Returns False if another process has it."""
        try:
            return bool(self._lock.acquire())
        except (RedisError, OSError) as error:
            raise TryLater("queue_away", str(error), counted=False) from error

    def renew(self) -> bool:
        """Start the lease again. Returns False if it was lost: then another process is at work."""
        try:
            return bool(self._lock.reacquire())
        except LockError:
            return False
        except (RedisError, OSError) as error:
            raise TryLater("queue_away", str(error), counted=False) from error

    def release(self) -> None:
        """Release the lock. If Redis is away it expires."""
        try:
            self._lock.release()
        except (RedisError, OSError):
            return
