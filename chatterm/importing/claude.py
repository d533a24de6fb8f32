"""Claude's data export: `conversations.json`, alone or in its archive.

A conversation is a list of messages whose content is a list of blocks. Newer exports name each
message's parent, so that edited and repeated messages are branches; older ones are a single line.
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
from chatterm.importing.documents import conversations, open_export
from chatterm.importing.strands import Message, Strand, head_of, strands
from chatterm.moments import timestamp_of
from chatterm.steps import (
    Citation,
    FinishReason,
    Outcome,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
)

_FINISH: Final = {
    "max_tokens": FinishReason.LENGTH,
    "refusal": FinishReason.REFUSAL,
    "user_canceled": FinishReason.INTERRUPTED,
}
_SILENT: Final = {"token_budget", "flag", "redacted_thinking"}


class ClaudeImporter(Importer):
    """Reads Claude's data export."""

    source = "Claude's data export"

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def __iter__(self) -> Iterator[Imported]:
        """Yield the conversations."""
        with open_export(self._path) as export:
            for name, data in export.documents():
                for record in conversations(name, data, self.warn):
                    found = self._conversation(record)
                    if found is not None:
                        yield found

    def _conversation(self, record: dict[str, Any]) -> Imported | None:
        title = text_of(record.get("name"))
        source_id = text_of(record.get("uuid"))
        messages = self._messages(record, title or source_id)
        if not source_id or not messages:
            self.warn(f"the conversation {title or source_id!r} is left out: it has no messages")
            return None
        begun = timestamp_of(record.get("created_at"), messages[0].at)
        found = strands(messages, f"claude {source_id}")
        if not found:
            self.warn(f"the conversation {title or source_id!r} is left out: it has no beginning")
            return None
        identity = derived_id("claude", source_id)
        model = text_of(record.get("model"))
        turns = [self._turn(strand, identity, model, begun).build() for strand in found]
        parents = {message.id: message.parent for message in messages}
        current = text_of(record.get("current_leaf_message_uuid")) or None
        return imported(
            identity,
            title,
            turns,
            head=head_of(found, current, parents),
            created_at=begun,
            updated_at=timestamp_of(record.get("updated_at"), begun),
        )

    def _messages(self, record: dict[str, Any], title: str) -> list[Message]:
        """The messages; one under the other where they don't name their parents."""
        bodies = [dict_of(body) for body in list_of(record.get("chat_messages"))]
        branching = any(text_of(body.get("parent_message_uuid")) for body in bodies)
        found: list[Message] = []
        for number, body in enumerate(bodies, start=1):
            sender = text_of(body.get("sender"))
            identity = text_of(body.get("uuid"))
            if sender not in {"human", "assistant"} or not identity:
                self.warn(f"message {number} of {title!r} is left out: it has no sender or no id")
                continue
            above = found[-1].id if found else None
            parent = text_of(body.get("parent_message_uuid")) if branching else above
            at = timestamp_of(body.get("created_at"), "")
            found.append(Message(identity, parent, sender == "human", at, body))
        return found

    def _turn(self, strand: Strand, conversation: str, model: str, begun: str) -> TurnBuilder:
        first = strand.messages[0]
        turn = TurnBuilder(
            strand.id, conversation=conversation, parent=strand.parent, at=first.at or begun
        )
        for message in strand.messages:
            if message.from_user:
                _question(message.body, turn)
                continue
            model = text_of(message.body.get("model")) or model
            for block in map(dict_of, _blocks(message.body)):
                self._block(block, message, turn)
            reason = text_of(message.body.get("stop_reason"))
            turn.provider_finish_reason = reason or turn.provider_finish_reason
            turn.finish_reason = _FINISH.get(reason, FinishReason.STOP)
        turn.model = f"claude/{model or 'unknown'}"
        return turn

    def _block(self, block: dict[str, Any], message: Message, turn: TurnBuilder) -> None:
        at = timestamp_of(block.get("start_timestamp"), message.at)
        match text_of(block.get("type")):
            case "text" | "voice_note":
                text = text_of(block.get("text"))
                if text:
                    turn.add(TextStep, at=at, text=text, citations=_citations(block))
            case "thinking":
                text = text_of(block.get("thinking"))
                if text:
                    turn.add(ThinkingStep, at=at, text=text)
            case "tool_use" | "server_tool_use":
                _call(block, message, turn, at)
            case "tool_result" | "web_search_tool_result":
                _result(block, message, turn, at)
            case kind if kind not in _SILENT:
                self.warn(
                    f"a block of an unknown kind is left out: {kind or 'none'} ({message.id})"
                )


def _blocks(body: dict[str, Any]) -> list[Any]:
    """The blocks of a message; older exports have only its text."""
    blocks = list_of(body.get("content"))
    return blocks or [{"type": "text", "text": text_of(body.get("text"))}]


def _question(body: dict[str, Any], turn: TurnBuilder) -> None:
    texts = [text_of(dict_of(block).get("text")) for block in _blocks(body)]
    turn.text = "\n\n".join(text for text in texts if text)
    for file in map(dict_of, list_of(body.get("attachments"))):
        name = text_of(file.get("file_name")) or "pasted.txt"
        content = text_of(file.get("extracted_content"))
        if content:
            # What the export holds is the text that was read from the file, whatever the file was.
            turn.attach(name, "text/plain", content.encode("utf-8", "replace"))
        else:
            turn.missing.append(name)
    for key in ("files", "files_v2"):
        for file in map(dict_of, list_of(body.get(key))):
            name = text_of(file.get("file_name")) or text_of(file.get("file_uuid")) or "a file"
            attached = [attachment.name for attachment in turn.attachments]
            if name not in attached and name not in turn.missing:
                turn.missing.append(name)


def _call(block: dict[str, Any], message: Message, turn: TurnBuilder, at: str) -> None:
    values = block.get("input")
    turn.add(
        ToolCallStep,
        at=at,
        call_id=text_of(block.get("id")) or f"{message.id}.{len(turn.steps)}",
        name=text_of(block.get("name")),
        arguments=json.dumps(values, ensure_ascii=False) if values is not None else "",
        input=values if isinstance(values, dict) else None,
        hosted=True,
    )


def _result(block: dict[str, Any], message: Message, turn: TurnBuilder, at: str) -> None:
    failed = bool(block.get("is_error"))
    calls = [step for step in turn.steps if isinstance(step, ToolCallStep)]
    answered = {step.call_id for step in turn.steps if isinstance(step, ToolResultStep)}
    waiting = [call.call_id for call in calls if call.call_id not in answered]
    fallback = waiting[0] if waiting else message.id
    turn.add(
        ToolResultStep,
        at=at,
        call_id=text_of(block.get("tool_use_id")) or fallback,
        name=text_of(block.get("name")),
        content=_content(block.get("content")),
        ok=not failed,
        outcome=Outcome.FAILED if failed else Outcome.DONE,
    )


def _content(content: Any) -> str:
    """The text of a tool's result; what isn't text stands as its JSON."""
    if isinstance(content, str):
        return content
    pieces = [
        text_of(dict_of(item).get("text")) or json.dumps(item, ensure_ascii=False, indent=1)
        for item in list_of(content)
    ]
    return "\n".join(pieces)


def _citations(block: dict[str, Any]) -> tuple[Citation, ...]:
    found: dict[str, Citation] = {}
    for each in map(dict_of, list_of(block.get("citations"))):
        details = dict_of(each.get("details"))
        url = text_of(each.get("url")) or text_of(details.get("url"))
        title = text_of(each.get("title")) or text_of(details.get("title"))
        if url or title:
            found.setdefault(url or title, Citation(title, url))
    return tuple(found.values())
