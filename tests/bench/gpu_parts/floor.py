"""The minimum of HTTP: an endpoint that only reads the same request and returns so many bytes."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response


def bare_app(answer_bytes: int) -> FastAPI:
    """Return an app whose /v1/paint responds to any body with that many bytes."""
    app, answer = FastAPI(), b"x" * answer_bytes

    async def generate(request: Request) -> Response:
        await request.body()
        return Response(answer, media_type="application/json")

    app.add_api_route("/v1/paint", generate, methods=["POST"])
    return app
