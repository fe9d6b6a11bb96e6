"""Deletes a chat with the client of openapi-python-client."""

import os
from http import HTTPStatus

from generated import AuthenticatedClient
from generated.api.messages import append_messages
from generated.api.sessions import change_session, create_session, delete_session, get_session, list_sessions
from generated.models import (
    AppendedMessages,
    NewMessage,
    NewMessages,
    NewSession,
    NewSessionMetadata,
    Problem,
    Session,
    SessionChange,
    SessionList,
    SessionSummary,
)

client = AuthenticatedClient(base_url=os.environ["API"], token=os.environ["TOKEN"])

metadata = NewSessionMetadata.from_dict({"project": None})
created = create_session.sync(client=client, body=NewSession(title="Lisbon", metadata=metadata))
assert isinstance(created, SessionSummary)
message = NewMessage.from_dict({"role": "user", "content": "Where do I start?", "parts": [{"type": "text"}]})
appended = append_messages.sync(created.id, client=client, body=NewMessages(messages=[message]))
assert isinstance(appended, AppendedMessages)
assert appended.messages[0].sequence == 0
opened = get_session.sync(created.id, client=client)
assert isinstance(opened, Session)
assert opened.metadata["project"] is None
assert opened.messages[0]["parts"] == [{"type": "text"}]
changed = change_session.sync(created.id, client=client, body=SessionChange(title="Lisbon in May"))
assert isinstance(changed, SessionSummary)
assert changed.title == "Lisbon in May"
listed = list_sessions.sync(client=client, q="lisbon")
assert isinstance(listed, SessionList)
assert [each.id for each in listed.sessions] == [created.id]
assert delete_session.sync_detailed(created.id, client=client).status_code == HTTPStatus.NO_CONTENT
gone = get_session.sync(created.id, client=client)
assert isinstance(gone, Problem)
assert gone.type_ == "urn:chat-sessions:session-not-found"
