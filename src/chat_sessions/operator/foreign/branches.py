"""Which branch of a chat was shown. Edits and regenerated answers leave the other branches in the file."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from chat_sessions.operator.foreign.loose import as_text


class Tree(NamedTuple):
    """Messages by id, in the order of the file, and the ids of their parents."""

    messages: dict[str, dict[str, Any]]
    parents: dict[str, str]

    def shown(self, current: str = "") -> list[dict[str, Any]]:
        """Return the messages from the first to the current one, or to the latest if that is unknown."""
        return [self.messages[each] for each in _path(self.parents, current)]


def tree_of_list(messages: Sequence[dict[str, Any]], id_name: str, parent_name: str) -> Tree:
    """Return the tree of messages that name their parents; one that names none follows the message before it."""
    tree, previous = Tree({}, {}), ""
    for number, message in enumerate(messages):
        key = as_text(message.get(id_name))
        if not key or key in tree.messages:
            # No id has a NUL character: the file is cleaned.
            key = f"\0{number}"
        tree.messages[key] = message
        tree.parents[key] = as_text(message.get(parent_name)) or previous
        previous = key
    return tree


def _path(parents: Mapping[str, str], current: str) -> list[str]:
    at = current if current in parents else _latest_leaf(parents)
    path: dict[str, None] = {}
    while at in parents and at not in path:
        path[at] = None
        at = parents[at]
    return list(path)[::-1]


def _latest_leaf(parents: Mapping[str, str]) -> str:
    inner = set(parents.values())
    last = ""
    for key in parents:
        if key not in inner or not last:
            last = key
    return last
