"""OAuth 2.0 for programs: code to token, refresh, revoke, and the app's own bearer. The page stands in `signin`."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from sandbox.control import gate_of
from sandbox.model import Json
from sandbox.settings import Settings
from sandbox.x.gate import Gate
from sandbox.x.grants import ACCESS_SECONDS, Denied, Tokens

router = APIRouter(include_in_schema=False)
Door = Annotated[Gate, Depends(gate_of)]
Form = Mapping[str, str]


@router.post("/2/oauth2/token")
async def token(request: Request, gate: Door) -> JSONResponse:
    form = await _form(request)
    try:
        client = _client(request, form, gate.world.settings)
        return _answer(_told(_granted(gate, form, client)))
    except Denied as denied:
        return _denied(denied)


def _granted(gate: Gate, form: Form, client: str) -> Tokens:
    kind = form.get("grant_type")
    if kind == "authorization_code":
        return gate.grants.by_code(
            form.get("code", ""),
            client_id=client,
            redirect_uri=form.get("redirect_uri", ""),
            verifier=form.get("code_verifier", ""),
        )
    if kind == "refresh_token":
        return gate.grants.by_refresh(form.get("refresh_token", ""), client_id=client)
    raise Denied("invalid_request", "Value passed for the grant type was invalid.")


@router.post("/2/oauth2/revoke")
async def revoke(request: Request, gate: Door) -> JSONResponse:
    """A token that is unknown is as good as revoked (RFC 7009)."""
    form = await _form(request)
    try:
        gate.grants.revoke(form.get("token", ""), client_id=_client(request, form, gate.world.settings))
    except Denied as denied:
        return _denied(denied)
    return _answer({"revoked": True})


@router.post("/oauth2/token")
async def app_token(request: Request, gate: Door) -> JSONResponse:
    """The app's own bearer token, for its consumer key and secret."""
    own, form = gate.world.settings, await _form(request)
    if not _same(_basic(request), (own.consumer_key, own.consumer_secret)):
        words = {"code": 99, "message": "Unable to verify your credentials", "label": "authenticity_token_error"}
        return _answer({"errors": [words]}, 403)
    if form.get("grant_type") != "client_credentials":
        words = {
            "code": 170,
            "message": "Missing required parameter: grant_type",
            "label": "forbidden_missing_parameter",
        }
        return _answer({"errors": [words]}, 403)
    return _answer({"token_type": "bearer", "access_token": own.bearer})


# who calls


def _client(request: Request, form: Form, own: Settings) -> str:
    """A confidential client proves itself by Basic authentication; a public one only says its id."""
    if "authorization" in request.headers:
        if not _same(_basic(request), (own.client_id, own.client_secret)):
            raise Denied("unauthorized_client", "Missing valid authorization header", 401)
        return own.client_id
    if form.get("client_id") != own.client_id:
        raise Denied("invalid_request", "Value passed for the client id was invalid.")
    return own.client_id


def _basic(request: Request) -> tuple[str, str]:
    scheme, _, packed = request.headers.get("authorization", "").partition(" ")
    try:
        name, _, secret = base64.b64decode(packed, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return (unquote(name), unquote(secret)) if scheme.lower() == "basic" else ("", "")


def _same(sent: tuple[str, str], own: tuple[str, str]) -> bool:
    return all(secrets.compare_digest(one.encode(), other.encode()) for one, other in zip(sent, own, strict=True))


async def _form(request: Request) -> Form:
    form = await request.form(max_files=0, max_fields=20)
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _told(tokens: Tokens) -> Json:
    body: Json = {
        "token_type": "bearer",
        "expires_in": ACCESS_SECONDS,
        "access_token": tokens.access,
        "scope": " ".join(tokens.scopes),
    }
    return body | ({"refresh_token": tokens.refresh} if tokens.refresh else {})


def _denied(denied: Denied) -> JSONResponse:
    return _answer({"error": denied.error, "error_description": denied.description}, denied.status)


def _answer(body: Json, status: int = 200) -> JSONResponse:
    return JSONResponse(body, status, headers={"cache-control": "no-store"})
