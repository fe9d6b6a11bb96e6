"""The fastest stock cached read: FastAPI, PyJWT in a dependency, one GET by redis-py, and the bytes unchanged."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from redis.asyncio import Redis

SECRET = os.environ["CHAT_JWT_SECRET"]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the connections to Redis."""
    async with Redis.from_url(os.environ["CHAT_REDIS_URL"]) as redis:
        app.state.redis = redis
        yield


app = FastAPI(lifespan=lifespan)


async def current_user(credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> str:
    """Return the `sub` of a valid token."""
    try:
        claims = jwt.decode(credentials.credentials, SECRET, algorithms=["HS256"], options={"require": ["exp", "sub"]})
    except jwt.PyJWTError as error:
        raise HTTPException(401) from error
    return str(claims["sub"])


User = Annotated[str, Depends(current_user)]


async def stored(request: Request, key: str) -> Response:
    """Return the stored response."""
    body = await request.app.state.redis.get(key)
    if body is None:
        raise HTTPException(404)
    return Response(body, media_type="application/json")


@app.get("/api/chat/sessions")
async def list_sessions(request: Request, user: User) -> Response:
    """Return the user's list."""
    return await stored(request, f"ceiling:{user}:list")


@app.get("/api/chat/sessions/{session_id}")
async def get_session(request: Request, user: User, session_id: str) -> Response:
    """Return a session of the user."""
    return await stored(request, f"ceiling:{user}:session:{session_id}")
