"""The Modal file without Modal."""

from __future__ import annotations

import warnings

import pytest
from starlette.testclient import TestClient


def test_the_modal_app_serves_the_same_contract_offline(monkeypatch):
    pytest.importorskip("modal", reason="modal is not installed: the modal extra")
    monkeypatch.setenv("GPU_ENGINE", "sketch")
    monkeypatch.setenv("GPU_TOKEN", "s3cret")
    from gpu.app import Gpu

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that volumes are not mounted here
        service = Gpu().web.local()
    with TestClient(service) as client:
        assert client.get("/healthz").json()["status"] == "ok", "it answers before its engine is ready"
        asked = {"prompt": "a lake", "seeds": [1], "width": 64, "height": 64}
        assert client.post("/v1/paint", json=asked).status_code == 401
        header = {"Authorization": "Bearer s3cret"}
        assert client.post("/v1/paint", json=asked, headers=header).json()["model"] == "sketch"


def test_the_modal_app_cannot_cost_more_than_it_says():
    pytest.importorskip("modal", reason="modal is not installed: the modal extra")
    from gpu import app

    assert app.MIN_CONTAINERS == 0, "nothing may idle when nobody asks"
    assert 1 <= app.MAX_CONTAINERS <= 10
    assert app.TARGET_INPUTS <= app.MAX_INPUTS
