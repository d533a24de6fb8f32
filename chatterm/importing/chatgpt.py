"""ChatGPT's data export: `conversations.json`, alone or in its archive.

A conversation is a tree of nodes (`mapping`), some of which hold a message. Hidden messages and
the system's are left out, and so are editable contexts (custom instructions, memory) and the
recaps that only say how long a model thought.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from chatterm.importing.base import (
    Imported,
    Importer,
    TurnBuilder,
    derived_id,
    dict_of,
    imported,
    list_of,
    text_of,
)
from chatterm.importing.chatgpt_content import (
    attachments_of,
    citations_of,
    plain_text,
    thoughts_of,
)
from chatterm.importing.documents import Export, conversations, open_export
from chatterm.importing.strands import Message, Strand, head_of, strands
from chatterm.moments import timestamp_of
from chatterm.steps import (
    FinishReason,
    Outcome,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
)

_UNSEEN: Final = {
    "user_editable_context",
    "model_editable_context",
    "reasoning_recap",
    "app_pairing_content",
}
_FINISH: Final = {
    "max_tokens": FinishReason.LENGTH,
    "length": FinishReason.LENGTH,
    "interrupted": FinishReason.INTERRUPTED,
    "content_filter": FinishReason.CONTENT_FILTER,
}


class ChatGPTImporter(Importer):
    """Reads ChatGPT's data export."""

    source = "ChatGPT's data export"

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def __iter__(self) -> Iterator[Imported]:
        """Yield the conversations."""
        with open_export(self._path) as export:
            for name, data in export.documents():
                for record in conversations(name, data, self.warn):
                    found = self._conversation(record, export)
                    if found is not None:
                        yield found

    def _conversation(self, record: dict[str, Any], export: Export) -> Imported | None:
        title = text_of(record.get("title"))
        source_id = text_of(record.get("conversation_id")) or text_of(record.get("id"))
        nodes = {key: dict_of(node) for key, node in dict_of(record.get("mapping")).items()}
        if not source_id or not nodes:
            self.warn(f"the conversation {title or source_id!r} is left out: it has no messages")
            return None
        begun = timestamp_of(record.get("create_time"))
        parents = {key: _parent(node) for key, node in nodes.items()}
        found = strands(_messages(nodes, parents), f"chatgpt {source_id}")
        if not found:
            self.warn(f"the conversation {title or source_id!r} is left out: nobody says anything")
            return None
        identity = derived_id("chatgpt", source_id)
        model = text_of(record.get("default_model_slug"))
        turns = [self._turn(strand, identity, model, begun, export).build() for strand in found]
        head = head_of(found, text_of(record.get("current_node")) or None, parents)
        updated = timestamp_of(record.get("update_time"), begun)
        return imported(identity, title, turns, head=head, created_at=begun, updated_at=updated)

    def _turn(
        self, strand: Strand, conversation: str, model: str, begun: str, export: Export
    ) -> TurnBuilder:
        first = strand.messages[0]
        turn = TurnBuilder(
            strand.id, conversation=conversation, parent=strand.parent, at=first.at or begun
        )
        for message in strand.messages:
            model = text_of(dict_of(message.body.get("metadata")).get("model_slug")) or model
            if message.from_user:
                turn.text = plain_text(message.body)
                attachments_of(message.body, export, turn)
            else:
                self._answer(message, turn)
        turn.model = f"chatgpt/{model or 'unknown'}"
        return turn

    def _answer(self, message: Message, turn: TurnBuilder) -> None:
        body = message.body
        content = dict_of(body.get("content"))
        kind = text_of(content.get("content_type"))
        author = dict_of(body.get("author"))
        text = plain_text(body)
        if kind == "thoughts":
            thoughts = thoughts_of(content)
            if thoughts:
                turn.add(ThinkingStep, at=message.at, text=thoughts, summary=True)
        elif text_of(author.get("role")) == "tool":
            _result(message, text_of(author.get("name")), text, turn)
        elif text_of(body.get("recipient")) not in {"", "all", "assistant"}:
            turn.add(
                ToolCallStep,
                at=message.at,
                call_id=message.id,
                name=text_of(body.get("recipient")),
                arguments=text,
                input=_object(text),
                hosted=True,
            )
        elif text:
            words = f"```{_language(content)}\n{text}\n```" if kind == "code" else text
            turn.add(TextStep, at=message.at, text=words, citations=citations_of(body))
        elif kind not in {"text", "multimodal_text", "code"}:
            self.warn(f"a message of an unknown kind is left out: {kind or 'none'} ({message.id})")
        _note_finish(body, turn)


def _parent(node: dict[str, Any]) -> str | None:
    return text_of(node.get("parent")) or None


def _messages(
    nodes: dict[str, dict[str, Any]], parents: dict[str, str | None]
) -> Iterator[Message]:
    """The messages that were seen, each under the nearest one above it that was."""
    bodies = {key: dict_of(node.get("message")) for key, node in nodes.items()}
    shown = {key: body for key, body in bodies.items() if _is_shown(body)}
    for key in _in_order(nodes):
        if key not in shown:
            continue
        body = shown[key]
        above = parents[key]
        passed = {key}
        while above is not None and above not in shown and above not in passed:
            passed.add(above)
            above = parents.get(above)
        role = text_of(dict_of(body.get("author")).get("role"))
        at = timestamp_of(body.get("create_time"), "")
        yield Message(key, above, role == "user", at, body)


def _in_order(nodes: dict[str, dict[str, Any]]) -> Iterator[str]:
    """The nodes in an order in which siblings stand as their parent lists them."""
    given: set[str] = set()
    for key, node in nodes.items():
        for each in (key, *(c for c in list_of(node.get("children")) if isinstance(c, str))):
            if each in nodes and each not in given:
                given.add(each)
                yield each


def _is_shown(body: dict[str, Any]) -> bool:
    content = dict_of(body.get("content"))
    role = text_of(dict_of(body.get("author")).get("role"))
    if role not in {"user", "assistant", "tool"}:
        return False
    if dict_of(body.get("metadata")).get("is_visually_hidden_from_conversation"):
        return False
    kind = text_of(content.get("content_type"))
    if kind in _UNSEEN:
        return False
    # The first answer in a tree is often empty: it is where another one was to come.
    return role != "assistant" or kind not in {"text", "code"} or bool(plain_text(body))


def _result(message: Message, name: str, text: str, turn: TurnBuilder) -> None:
    """Add what a tool gave; it answers the last call that has no answer yet."""
    answered = {step.call_id for step in turn.steps if isinstance(step, ToolResultStep)}
    waiting = [
        step
        for step in turn.steps
        if isinstance(step, ToolCallStep) and step.call_id not in answered
    ]
    named = [step for step in waiting if step.name == name] or waiting
    failed = text_of(dict_of(message.body.get("content")).get("content_type")) == "system_error"
    turn.add(
        ToolResultStep,
        at=message.at,
        call_id=named[-1].call_id if named else message.id,
        name=name or (named[-1].name if named else ""),
        content=text,
        ok=not failed,
        outcome=Outcome.FAILED if failed else Outcome.DONE,
    )


def _note_finish(body: dict[str, Any], turn: TurnBuilder) -> None:
    details = dict_of(dict_of(body.get("metadata")).get("finish_details"))
    reason = text_of(details.get("type"))
    if reason:
        turn.provider_finish_reason = reason
        turn.finish_reason = _FINISH.get(reason, FinishReason.STOP)


def _language(content: dict[str, Any]) -> str:
    language = text_of(content.get("language"))
    return language if language.isalnum() and language != "unknown" else ""


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
