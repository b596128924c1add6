"""Serve the OAuth 2.0 token endpoints. The consent page is in `sandbox.web.sign_in`."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from urllib.parse import unquote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from sandbox.dependencies import DispatcherDep
from sandbox.model import Json
from sandbox.settings import SandboxSettings
from sandbox.x.dispatcher import CallDispatcher
from sandbox.x.grants import ACCESS_SECONDS, OAuthError, Tokens

router = APIRouter(include_in_schema=False)
Form = Mapping[str, str]


@router.post("/2/oauth2/token")
async def token(request: Request, dispatcher: DispatcherDep) -> JSONResponse:
    form = await _form(request)
    try:
        client = _client(request, form, dispatcher.world.settings)
        return _respond(_token_body(_issue_tokens(dispatcher, form, client)))
    except OAuthError as error:
        return _error_response(error)


def _issue_tokens(dispatcher: CallDispatcher, form: Form, client: str) -> Tokens:
    kind = form.get("grant_type")
    if kind == "authorization_code":
        return dispatcher.grants.exchange_code(
            form.get("code", ""),
            client_id=client,
            redirect_uri=form.get("redirect_uri", ""),
            verifier=form.get("code_verifier", ""),
        )
    if kind == "refresh_token":
        return dispatcher.grants.refresh(form.get("refresh_token", ""), client_id=client)
    raise OAuthError("invalid_request", "Value passed for the grant type was invalid.")


@router.post("/2/oauth2/revoke")
async def revoke(request: Request, dispatcher: DispatcherDep) -> JSONResponse:
    """Revoke a token. An unknown one is no error (RFC 7009)."""
    form = await _form(request)
    try:
        dispatcher.grants.revoke(form.get("token", ""), client_id=_client(request, form, dispatcher.world.settings))
    except OAuthError as error:
        return _error_response(error)
    return _respond({"revoked": True})


@router.post("/oauth2/token")
async def app_token(request: Request, dispatcher: DispatcherDep) -> JSONResponse:
    """Return the app's bearer token for its consumer key and secret."""
    settings, form = dispatcher.world.settings, await _form(request)
    if not _equal_secrets(_basic(request), (settings.consumer_key, settings.consumer_secret)):
        error = {"code": 99, "message": "Unable to verify your credentials", "label": "authenticity_token_error"}
        return _respond({"errors": [error]}, 403)
    if form.get("grant_type") != "client_credentials":
        error = {
            "code": 170,
            "message": "Missing required parameter: grant_type",
            "label": "forbidden_missing_parameter",
        }
        return _respond({"errors": [error]}, 403)
    return _respond({"token_type": "bearer", "access_token": settings.bearer})


def _client(request: Request, form: Form, settings: SandboxSettings) -> str:
    """Return the client id: from Basic authentication, or from the form for a public client."""
    if "authorization" in request.headers:
        if not _equal_secrets(_basic(request), (settings.client_id, settings.client_secret)):
            raise OAuthError("unauthorized_client", "Missing valid authorization header", 401)
        return settings.client_id
    if form.get("client_id") != settings.client_id:
        raise OAuthError("invalid_request", "Value passed for the client id was invalid.")
    return settings.client_id


def _basic(request: Request) -> tuple[str, str]:
    scheme, _, packed = request.headers.get("authorization", "").partition(" ")
    try:
        name, _, secret = base64.b64decode(packed, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return (unquote(name), unquote(secret)) if scheme.lower() == "basic" else ("", "")


def _equal_secrets(sent: tuple[str, str], expected: tuple[str, str]) -> bool:
    return all(secrets.compare_digest(a.encode(), b.encode()) for a, b in zip(sent, expected, strict=True))


async def _form(request: Request) -> Form:
    form = await request.form(max_files=0, max_fields=20)
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _token_body(tokens: Tokens) -> Json:
    body: Json = {
        "token_type": "bearer",
        "expires_in": ACCESS_SECONDS,
        "access_token": tokens.access,
        "scope": " ".join(tokens.scopes),
    }
    return body | ({"refresh_token": tokens.refresh} if tokens.refresh else {})


def _error_response(error: OAuthError) -> JSONResponse:
    return _respond({"error": error.error, "error_description": error.description}, error.status)


def _respond(body: Json, status: int = 200) -> JSONResponse:
    return JSONResponse(body, status, headers={"cache-control": "no-store"})
