"""Document the API: a page for people, and FastAPI's own Swagger UI with files from this site.

FastAPI's built-in pages load Swagger UI from a CDN, which the content security policy forbids.
"""

import base64
import hashlib
import re
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import Response

from gallery.web.dependencies import ContextDep
from gallery.web.pages import page_router, render_page
from gallery.web.security_headers import content_security_policy

router = page_router()
OPENAPI_URL = "/api/openapi.json"
PROBLEM = "application/problem+json"


class ApiApp(FastAPI):
    """Describe errors with the media type that they are sent as. FastAPI knows one type for all responses."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, built once."""
        if self.openapi_schema is None:
            for methods in super().openapi()["paths"].values():
                for status, response in methods["get"]["responses"].items():
                    if status >= "400":
                        response["content"] = {PROBLEM: response["content"]["application/json"]}
        return super().openapi()


@router.get("/api")
async def about_api(request: Request) -> Response:
    """Show what programs can read here."""
    return await render_page(request, "api.html")


@router.get("/api/docs")
async def swagger_ui(context: ContextDep) -> Response:
    """Show Swagger UI. Only this page may run its own inline script, and the inline styles that the script adds."""
    static = context.renderer.static
    response = get_swagger_ui_html(
        openapi_url=OPENAPI_URL,
        title="Threadpaint API",
        swagger_js_url=static["swagger-ui-bundle.js"].path,
        swagger_css_url=static["swagger-ui.css"].path,
        swagger_favicon_url=static["mark.svg"].path,
    )
    scripts = re.findall(rb"<script>(.*?)</script>", bytes(response.body), re.DOTALL)
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'" for script in scripts]
    response.headers["Content-Security-Policy"] = content_security_policy(
        f"script-src 'self' {' '.join(hashes)}", "style-src 'self' 'unsafe-inline'"
    )
    return response
