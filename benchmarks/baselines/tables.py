"""The baseline's tables in SQLAlchemy: the service's without triggers."""

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

Moment = DateTime(timezone=True)


class Base(DeclarativeBase):
    """The tables."""


class SessionRow(Base):
    """A chat."""

    __tablename__ = "pick_session"

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str]
    title: Mapped[str | None]
    is_pinned: Mapped[bool] = mapped_column(default=False)
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, default=dict)
    message_count: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())
    messages: Mapped[list["MessageRow"]] = relationship(order_by="MessageRow.sequence", passive_deletes=True)


Index("pick_session_order", SessionRow.user_id, SessionRow.updated_at.desc(), SessionRow.id.desc())


class MessageRow(Base):
    """A message."""

    __tablename__ = "pick_message"
    __table_args__ = (UniqueConstraint("session_id", "sequence"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("pick_session.id", ondelete="CASCADE"))
    role: Mapped[str]
    content: Mapped[str | list[dict[str, Any]] | None] = mapped_column(JSONB)
    name: Mapped[str | None]
    tool_call_id: Mapped[str | None]
    refusal: Mapped[str | None]
    tool_calls: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    function_call: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, default=dict)
    sequence: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())
