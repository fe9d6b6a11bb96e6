"""Deletes a chat with the Python client of OpenAPI Generator."""

import json
import os
from datetime import UTC

from openapi_client import (
    ApiClient,
    Configuration,
    MessagesApi,
    NewMessage,
    NewMessages,
    NewSession,
    SessionChange,
    SessionsApi,
)
from openapi_client.exceptions import NotFoundException

configuration = Configuration(host=os.environ["API"], access_token=os.environ["TOKEN"])
with ApiClient(configuration) as client:
    sessions, messages = SessionsApi(client), MessagesApi(client)
    created = sessions.create_session(new_session=NewSession(title="Lisbon", metadata={"project": None}))
    message = NewMessage.from_dict({"role": "user", "content": "Where do I start?", "parts": [{"type": "text"}]})
    assert message is not None
    appended = messages.append_messages(created.id, NewMessages(messages=[message]))
    assert appended.messages[0].sequence == 0
    opened = sessions.get_session(created.id)
    assert opened.metadata == {"project": None}
    assert opened.messages[0].additional_properties["parts"] == [{"type": "text"}]
    assert opened.updated_at.tzinfo == UTC
    changed = sessions.change_session(created.id, SessionChange(title="Lisbon in May"))
    assert changed.title == "Lisbon in May"
    assert [each.id for each in sessions.list_sessions(q="lisbon").sessions] == [created.id]
    assert sessions.delete_session_with_http_info(created.id).status_code == 204
    try:
        sessions.get_session(created.id)
    except NotFoundException as gone:
        problem = json.loads(gone.body)
    assert problem["type"] == "urn:chat-sessions:session-not-found"
