"""A client of one site of the gallery, for tests in the same process."""

from collections.abc import Callable

from fastapi import FastAPI
from fastapi.testclient import TestClient


class SiteClient(TestClient):
    """A test client that knows its site, and the CSRF token of the member who is signed in."""

    app: FastAPI
    token: str = ""


# Serve a site over HTTP and return its address.
Serve = Callable[[SiteClient], str]
