"""The X client uses the proxy that the environment names."""

import pytest

from core.errors import TryLater
from core.settings import XSettings, load
from core.x import open_x
from tests.support.sandbox_x import KEYS, SandboxX
from tests.support.servers import free_port


def test_calls_go_through_the_proxy_of_the_environment(x: SandboxX, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(TryLater, match="x_unreachable"):
        x.client().get_me()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert x.client().get_me().author.username == "threadpaint"


def test_a_missing_certificate_file_of_the_environment_is_noticed(x: SandboxX, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/certificates.pem")
    client = open_x(load(XSettings, **(KEYS | {"x_api_url": x.url.replace("http://", "https://")})))
    with pytest.raises(OSError, match=r"certificates\.pem"):
        client.get_me()
