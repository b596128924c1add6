"""The version of this installation."""

from importlib.metadata import PackageNotFoundError, version


def version_text() -> str:
    """Return `threadpaint 0.1.0`; "unknown" if the code runs without being installed."""
    try:
        return f"threadpaint {version('threadpaint')}"
    except PackageNotFoundError:
        return "threadpaint, version unknown: it is not installed"
