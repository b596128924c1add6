"""Environment variables of the demo's processes."""

import os
import secrets
from pathlib import Path

from core.errors import SettingsError
from core.settings import AppSettings

HOST = "127.0.0.1"
MIN_SECRET_LENGTH = 32
# Not secret: these keys work only for the sandbox on this machine.
SANDBOX_KEYS = {
    "X_CONSUMER_KEY": "sandbox-consumer-key",
    "X_CONSUMER_SECRET": "sandbox-consumer-secret",
    "X_ACCESS_TOKEN": "sandbox-token-threadpaint",
    "X_ACCESS_TOKEN_SECRET": "sandbox-token-secret-threadpaint",
    "X_CLIENT_ID": "sandbox-client-id",
    "X_CLIENT_SECRET": "sandbox-client-secret",
    "SANDBOX_CLIENT_NAME": "Threadpaint",
}
# Overridden by variables of the operator.
DEMO_DEFAULTS = {
    "POLL_SECONDS": "0.5",
    "POLL_MAX_SECONDS": "0.5",
    "SEARCH_INTERVAL_SECONDS": "5",
    "SEARCH_OVERLAP_SECONDS": "120",
    # The sandbox charges nothing.
    "DAILY_BUDGET_USD": "none",
    "MONTHLY_BUDGET_USD": "none",
    "X_TIMEOUT_SECONDS": "3",
    "REPLY_LOOKUP_DELAY_SECONDS": "5",
    # Show the effect of `delete` at once.
    "PURGE_INTERVAL_SECONDS": "2",
    "LEASE_SECONDS": "15",
    "RETRY_SECONDS": "1",
    # Resume replies soon after a simulated failure ends.
    "X_BLOCKED_RETRY_SECONDS": "3",
    "X_BLOCKED_RETRY_MAX_SECONDS": "6",
}


def demo_environment(app: AppSettings) -> dict[str, str]:
    """Return variables of the demo's processes. They override a `.env` for the real X."""
    sandbox, data = f"http://{HOST}:{app.sandbox_port}", app.data_dir.resolve()
    inherited = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "STORAGE_URL")}
    fixed = {
        "DATA_DIR": str(data),
        "DATABASE_URL": app.demo_database_url or f"sqlite:///{data / 'threadpaint.db'}",
        "STORAGE_URL": str(data / "pictures"),
        "REDIS_URL": "",
        "GALLERY_PORT": str(app.gallery_port),
        "GALLERY_HOST": HOST,
        # Base of links in previews, feeds and shared posts. A `.env` for the real X would name the real site.
        "GALLERY_URL": os.environ.get("GALLERY_URL") or f"http://{HOST}:{app.gallery_port}",
        "SANDBOX_PORT": str(app.sandbox_port),
        "SANDBOX_DATA": str(data / "sandbox"),
        "GPU_PORT": str(app.gpu_port),
        **gpu_environment(app),
        "X_API_URL": sandbox,
        "X_WEB_URL": sandbox,
        "PYTHONUNBUFFERED": "1",
        "GALLERY_SECRET_KEY": _gallery_secret(data),
    }
    return DEMO_DEFAULTS | inherited | fixed | SANDBOX_KEYS


def _gallery_secret(folder: Path) -> str:
    """Return the demo's secret key. It is created once, so that sessions survive a restart."""
    file, fresh = folder / "gallery.secret", folder / "gallery.secret.new"
    try:
        if file.exists() and len(secret := file.read_text().strip()) >= MIN_SECRET_LENGTH:
            return secret
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as new:
            new.write(secrets.token_hex(MIN_SECRET_LENGTH))
        fresh.replace(file)
        return file.read_text()
    except (OSError, ValueError) as error:
        raise SettingsError(f"DATA_DIR: cannot keep a secret in {file} ({error})") from None


def gpu_environment(app: AppSettings) -> dict[str, str]:
    """Return variables of the GPU service: the sketch engine, or the service in DEMO_GPU_URL with its token."""
    if app.demo_gpu_url:
        return {"GPU_URL": app.demo_gpu_url, "GPU_TOKEN": os.environ.get("GPU_TOKEN", "")}
    return {"GPU_ENGINE": "sketch", "GPU_URL": f"http://{HOST}:{app.gpu_port}", "GPU_TOKEN": "demo"}
