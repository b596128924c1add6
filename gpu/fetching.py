"""`python -m gpu.fetching`: bring a model's weights into the cache before anybody waits for them. Knows no host.

It loads the model and the safety check once, without a card and without painting: so that exactly those files come
that the service reads, and a download that stopped half-way is found now. What is there does not come again.
"""

from __future__ import annotations

import logging
import sys

from gpu.engines import make_app
from gpu.settings import GpuSettings


class NotFetched(Exception):
    """The model or its safety check cannot be loaded; the text says why."""


def fetch(settings: GpuSettings) -> None:
    """Load what the settings name into this machine's memory, once. May take an hour; raises NotFetched."""
    # The kind of numbers decides which files are read; a T4 is the one card of the table that cannot compute in bf16.
    dtype = settings.dtype or ("fp16" if settings.card == "T4" else "bf16")
    without_card = {"device": "cpu", "dtype": dtype, "compile": "off", "warm_up": False}
    thread = make_app(settings.model_copy(update=without_card)).state.engine_thread
    thread.start()
    status = thread.wait_settled()
    thread.stop()
    if status != "ok":
        raise NotFetched(thread.reason or f"the engine is {status}")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    try:
        fetch(GpuSettings())
    except NotFetched as error:
        sys.exit(str(error))
