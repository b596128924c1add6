"""The floor under the painter's HTTP: an endpoint that reads the same request, returns so many bytes, and no more."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response


def bare_app(answer_bytes: int) -> FastAPI:
    """POST anything to /v1/paint, get that many bytes of JSON-like text."""
    app, answer = FastAPI(), b"x" * answer_bytes

    async def paint(request: Request) -> Response:
        await request.body()
        return Response(answer, media_type="application/json")

    app.add_api_route("/v1/paint", paint, methods=["POST"])
    return app
