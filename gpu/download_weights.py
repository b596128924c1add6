"""`python -m gpu.download_weights`: download a model's weights into the cache.

It loads the model and the safety check once, without a GPU and without generating. So it downloads exactly the files
that the service reads, and an incomplete download fails here. Files in the cache are not downloaded again.
"""

from __future__ import annotations

import logging
import sys

from gpu.factory import make_app
from gpu.settings import ServiceSettings


class DownloadFailed(Exception):
    """The model or its safety check cannot be loaded; the text has the reason."""


def download(settings: ServiceSettings) -> None:
    """Load the model and the safety check once, which may take an hour. Raises DownloadFailed."""
    # The precision decides which files are read. Of the priced GPUs only the T4 lacks bf16.
    dtype = settings.dtype or ("fp16" if settings.type == "T4" else "bf16")
    without_gpu = {"device": "cpu", "dtype": dtype, "compile": "off", "warm_up": False}
    thread = make_app(settings.model_copy(update=without_gpu)).state.engine_thread
    thread.start()
    status = thread.wait_settled()
    thread.stop()
    if status != "ok":
        raise DownloadFailed(thread.reason or f"the engine is {status}")
    if thread.text_encoder and thread.text_encoder.problem:
        raise DownloadFailed(thread.text_encoder.problem)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    try:
        download(ServiceSettings())
    except DownloadFailed as error:
        sys.exit(str(error))
