"""Servers that keep conversations, with real HTTP in front: Lightspeed's and Luxx's.

Each is a function from a request to an answer, for `FaultServer.script`, and holds what it is told:

    with FaultServer() as server:
        kept = KeptLightspeed()
        server.script(kept)
        kept.hold("c1", "A title", ("question", "answer"))
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from faultserver import Answer, Received, sse
from serverstreams import named
from wire_shapes import check_lightspeed, check_luxx

BEGAN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
HOURS = timedelta(hours=1)


def as_json(value: Any, status: int = 200) -> Answer:
    body = json.dumps(value).encode()
    return Answer(body, status=status, headers={"Content-Type": "application/json"})


def turn(asked: str, answered: str, at: datetime = BEGAN, **more: Any) -> dict[str, Any]:
    """A turn as Lightspeed tells it."""
    messages = [{"content": asked, "type": "user"}]
    documents = more.pop("referenced_documents", None)
    messages.append({"content": answered, "type": "assistant", "referenced_documents": documents})
    return {
        "messages": messages,
        "tool_calls": [],
        "tool_results": [],
        "provider": "openai",
        "model": "gpt-4o-mini",
        "started_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "completed_at": f"{at + timedelta(seconds=5):%Y-%m-%dT%H:%M:%SZ}",
    } | more


@dataclass
class KeptLightspeed:
    """A Lightspeed server; it answers every question with how many turns it holds then."""

    turns: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    titles: dict[str, str | None] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    undeletable: bool = False

    def hold(self, id_: str, title: str | None, *turns: tuple[str, str] | dict[str, Any]) -> None:
        """Keep a conversation, or let it go on."""
        held = self.turns.setdefault(id_, [])
        for each in turns:
            at = BEGAN + HOURS * (24 * list(self.turns).index(id_) + len(held))
            held.append(each if isinstance(each, dict) else turn(*each, at))
        self.titles[id_] = title

    def __call__(self, request: Received) -> Answer:
        if request.method == "POST":
            assert request.path == "/v1/streaming_query"
            return self._answer(check_lightspeed(request.json))
        if request.path == "/v1/conversations":
            return as_json({"conversations": [self._row(id_) for id_ in self.turns]})
        id_ = unquote(request.path.removeprefix("/v1/conversations/"))
        if id_ not in self.turns:
            said = {"response": "Conversation not found", "cause": f"{id_} does not exist"}
            return as_json({"detail": said}, 404)
        match request.method:
            case "GET":
                return as_json({"conversation_id": id_, "chat_history": self.turns[id_]})
            case "PUT":
                assert set(request.json) == {"topic_summary"}
                self.titles[id_] = request.json["topic_summary"]
                return as_json({"conversation_id": id_, "success": True, "message": "updated"})
            case _:
                assert request.method == "DELETE"
                done = not self.undeletable
                said = f"Conversation {'deleted successfully' if done else 'cannot be deleted'}"
                if done:
                    del self.turns[id_]
                return as_json({"conversation_id": id_, "success": True, "response": said})

    def _row(self, id_: str) -> dict[str, Any]:
        turns = self.turns[id_]
        return {
            "conversation_id": id_,
            "created_at": turns[0]["started_at"] if turns else f"{BEGAN:%Y-%m-%dT%H:%M:%SZ}",
            "last_message_at": turns[-1]["completed_at"] if turns else None,
            "message_count": len(turns),
            "last_used_model": "gpt-4o-mini",
            "last_used_provider": "openai",
            "topic_summary": self.titles[id_],
        }

    def _answer(self, body: dict[str, Any]) -> Answer:
        self.asked.append(body)
        id_ = body.get("conversation_id") or f"made-{len(self.turns)}"
        answer = f"answer {len(self.turns.get(id_, ())) + 1}"
        self.hold(id_, self.titles.get(id_), (body["query"], answer))
        events = [
            ("start", {"conversation_id": id_, "request_id": "r1"}),
            ("token", {"id": 0, "token": answer}),
            ("turn_complete", {"id": 1, "token": answer}),
            ("end", {"input_tokens": 3, "output_tokens": 4}),
        ]
        return Answer(sse(*(json.dumps({"event": name, "data": data}) for name, data in events)))


@dataclass
class KeptLuxx:
    """A Luxx server, under `/api`; lists come in pages of two."""

    messages: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    made: list[dict[str, Any]] = field(default_factory=list)

    def hold(self, id_: str, title: str, *turns: tuple[str, Any]) -> None:
        """Keep a conversation, or let it go on: questions with the steps of their answers."""
        held = self.messages.setdefault(id_, [])
        self.titles[id_] = title
        for asked, answer in turns:
            told = {"steps": answer} if isinstance(answer, list) else {"content": answer}
            for message in ({"role": "user", "content": asked}, {"role": "assistant", **told}):
                at = BEGAN + HOURS * (24 * list(self.messages).index(id_) + len(held))
                held.append({"id": len(held), "created_at": f"{at:%Y-%m-%dT%H:%M:%S}", **message})

    def __call__(self, request: Received) -> Answer:
        path, _, query = request.path.removeprefix("/api").partition("?")
        page = int(query.removeprefix("page=") or 1)
        _, _, id_, *rest = [*path.split("/"), ""]
        match request.method, rest:
            case "GET", [""] | [] if not id_:
                return _page([self._row(each) for each in self.messages], page)
            case "POST", _ if not id_:
                self.made.append(check_luxx(request.json))
                return as_json({"code": 0, "data": {"id": f"made{len(self.made)}"}})
            case _ if id_ not in self.messages:
                return as_json({"code": 404, "message": "no such conversation"}, 404)
            case "GET", ["messages", ""]:
                return _page(self.messages[id_], page)
            case "POST", ["messages", ""]:
                return self._answer(id_, check_luxx(request.json))
            case "PUT", _:
                self.titles[id_] = request.json["title"]
                return as_json({"code": 0, "data": {"id": id_}})
            case _:
                assert request.method == "DELETE"
                del self.messages[id_]
                return Answer(status=204, framing="length")

    def _row(self, id_: str) -> dict[str, Any]:
        held = self.messages[id_]
        return {
            "id": int(id_) if id_.isdigit() else id_,
            "title": self.titles[id_],
            "created_at": held[0]["created_at"],
            "updated_at": held[-1]["created_at"],
            "message_count": len(held),
        }

    def _answer(self, id_: str, body: dict[str, Any]) -> Answer:
        self.asked.append((id_, body))
        step = {"id": "step-0", "index": 0, "type": "text", "content": "it goes on"}
        self.hold(id_, self.titles[id_], (body["content"], [step]))
        return Answer(named(("process_step", {"step": step}), ("done", {"message_id": "m"})))


def _page(rows: list[dict[str, Any]], page: int) -> Answer:
    shown = rows[2 * (page - 1) : 2 * page]
    data = {"items": shown, "total": len(rows), "page": page, "page_size": 2}
    return as_json({"code": 0, "data": data})
