"""The usual alternative: FastAPI, SQLAlchemy 2 on asyncpg, pydantic response models, and no cache."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import uuid4

import jwt
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from benchmarks.baselines.tables import MessageRow, SessionRow

SECRET = os.environ["CHAT_JWT_SECRET"]
Role = Literal["system", "developer", "user", "assistant", "tool", "function"]


class Out(BaseModel):
    """A response model, read from a row."""

    model_config = ConfigDict(from_attributes=True, populate_by_name=True)


class Summary(Out):
    """A session without its messages."""

    id: str
    title: str | None
    created_at: datetime
    updated_at: datetime
    is_pinned: bool
    metadata: dict[str, Any] = Field(validation_alias="metadata_")


class Message(Out):
    """A message."""

    id: str
    role: Role
    content: str | list[dict[str, Any]] | None
    name: str | None
    tool_call_id: str | None
    refusal: str | None
    tool_calls: list[dict[str, Any]] | None
    function_call: dict[str, Any] | None
    metadata: dict[str, Any] = Field(validation_alias="metadata_")
    sequence: int
    created_at: datetime


class Session(Summary):
    """A session with its newest messages."""

    user_id: str
    messages: list[Message]
    has_more_messages: bool
    oldest_sequence: int | None


class SessionList(BaseModel):
    """A page of sessions."""

    sessions: list[Summary]
    total: int


class NewMessage(BaseModel):
    """A message to append."""

    role: Role
    content: str | list[dict[str, Any]] | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)


class NewMessages(BaseModel):
    """Messages to append."""

    messages: Annotated[list[NewMessage], Field(min_length=1, max_length=100)]


class Messages(BaseModel):
    """Messages that were appended."""

    messages: list[Message]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the connections to Postgres."""
    url = os.environ["CHAT_DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://")
    engine = create_async_engine(url, pool_size=20, max_overflow=12)
    app.state.sessions = async_sessionmaker(engine, expire_on_commit=False)
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


async def database(request: Request) -> AsyncIterator[AsyncSession]:
    """Open a unit of work."""
    async with request.app.state.sessions() as session:
        yield session


async def current_user(credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> str:
    """Return the `sub` of a valid token."""
    try:
        claims = jwt.decode(credentials.credentials, SECRET, algorithms=["HS256"], options={"require": ["exp", "sub"]})
    except jwt.PyJWTError as error:
        raise HTTPException(401) from error
    return str(claims["sub"])


Database = Annotated[AsyncSession, Depends(database)]
User = Annotated[str, Depends(current_user)]


@app.get("/api/chat/sessions")
async def list_sessions(
    db: Database,
    user: User,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> SessionList:
    """Return a page of the user's sessions."""
    mine = SessionRow.user_id == user
    newest_first = (SessionRow.updated_at.desc(), SessionRow.id.desc())
    page = select(SessionRow).where(mine).order_by(*newest_first).limit(limit).offset(offset)
    rows = (await db.scalars(page)).all()
    total = await db.scalar(select(func.count()).select_from(SessionRow).where(mine))
    return SessionList(sessions=[Summary.model_validate(row) for row in rows], total=total or 0)


@app.get("/api/chat/sessions/{session_id}")
async def get_session(
    db: Database, user: User, session_id: str, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> Session:
    """Return a session with its newest messages."""
    found = await db.scalar(select(SessionRow).where(SessionRow.id == session_id, SessionRow.user_id == user))
    if found is None:
        raise HTTPException(404)
    newest = (
        select(MessageRow)
        .where(MessageRow.session_id == session_id)
        .order_by(MessageRow.sequence.desc())
        .limit(limit + 1)
    )
    rows = (await db.scalars(newest)).all()
    messages = [Message.model_validate(row) for row in reversed(rows[:limit])]
    return Session(
        **Summary.model_validate(found).model_dump(),
        user_id=found.user_id,
        messages=messages,
        has_more_messages=len(rows) > limit,
        oldest_sequence=messages[0].sequence if messages else None,
    )


@app.delete("/api/chat/sessions/{session_id}", status_code=HTTPStatus.NO_CONTENT)
async def delete_session(db: Database, user: User, session_id: str) -> None:
    """Delete a session; the foreign key deletes its messages."""
    mine = delete(SessionRow).where(SessionRow.id == session_id, SessionRow.user_id == user)
    deleted = await db.scalar(mine.returning(SessionRow.id))
    await db.commit()
    if deleted is None:
        raise HTTPException(404)


@app.post("/api/chat/sessions/{session_id}/messages", status_code=HTTPStatus.CREATED)
async def append_messages(db: Database, user: User, session_id: str, new: NewMessages) -> Messages:
    """Append messages; the session's row assigns the sequences."""
    extend = (
        update(SessionRow)
        .where(SessionRow.id == session_id, SessionRow.user_id == user)
        .values(message_count=SessionRow.message_count + len(new.messages), updated_at=func.now())
        .returning(SessionRow.message_count)
    )
    count = await db.scalar(extend)
    if count is None:
        raise HTTPException(404)
    start = count - len(new.messages)
    rows = [
        MessageRow(
            id=str(uuid4()),
            session_id=session_id,
            role=message.role,
            content=message.content,
            metadata_=message.metadata,
            sequence=start + position,
        )
        for position, message in enumerate(new.messages)
    ]
    db.add_all(rows)
    await db.commit()
    return Messages(messages=[Message.model_validate(row) for row in rows])
