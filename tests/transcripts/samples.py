"""Conversations for the tests of transcripts: made by hand, made at random, made to do harm."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from chatterm.errors import ErrorKind, Failure
from chatterm.events import (
    Event,
    PermissionAnswered,
    PermissionAsked,
    StepFinished,
    TurnFinished,
    TurnStarted,
    UsageReported,
)
from chatterm.steps import (
    Attachment,
    Citation,
    FinishReason,
    NoticeStep,
    Outcome,
    RefusalStep,
    Status,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    TurnStatus,
    Usage,
    UserInput,
)
from chatterm.store.model import Conversation, RecordedTurn

AT = "2026-03-04T05:06:07.890Z"
COMPLETED = TurnFinished(TurnStatus.COMPLETED, FinishReason.STOP)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))


def conversation(**values: Any) -> Conversation:
    fields = {
        "id": "c0ffee",
        "title": "Why it hangs",
        "title_from": "first_message",
        "directory": "/home/u/project",
        "origin": "app",
        "head": "t1",
        "created_at": AT,
        "updated_at": AT,
    }
    return Conversation(**fields | values)


def attachment(data: bytes, name: str = "a.png", kind: str = "image/png") -> Attachment:
    return Attachment(name, kind, len(data), hashlib.sha256(data).hexdigest(), data)


def step(cls: type[Step], **values: Any) -> Step:
    defaults = {"id": "s", "index": 0, "round": 0, "started_at": AT, "status": Status.DONE}
    return cls(**defaults | values)


def turn(
    *steps: Step,
    id: str = "t1",  # noqa: A002 - reads best where it is called
    parent: str | None = None,
    text: str = "a question",
    attachments: tuple[Attachment, ...] = (),
    model: str = "openai/gpt-5",
    system: str | None = None,
    at: str = AT,
    between: tuple[Event, ...] = (),
    finished: TurnFinished | None = COMPLETED,
) -> RecordedTurn:
    events: list[Event] = [
        TurnStarted("c0ffee", id, parent, UserInput(text, attachments), system, model, {}, at)
    ]
    events += between
    for index, each in enumerate(steps):
        events.append(StepFinished(replace(each, index=index, id=f"{id}.{index}")))
    events += [finished] if finished else []
    return RecordedTurn(id, parent, "c0ffee", tuple(events))


def hostile_turn(text: str) -> RecordedTurn:
    """A turn with the text in every field that a stranger can fill."""
    return turn(
        step(ThinkingStep, text=text),
        step(TextStep, text=text, citations=(Citation(text, text), Citation(text, "https://a/"))),
        step(TextStep, text=text, withdrawn=True),
        step(RefusalStep, text=text),
        step(NoticeStep, text=text, reason=text),
        step(ToolCallStep, call_id="a", name=text, arguments=text, input={text: [text]}),
        step(ToolResultStep, call_id="a", name=text, content=text, ok=False),
        step(ToolCallStep, call_id="b", name=text, arguments=text),
        step(ToolResultStep, call_id=text, name=text, content=text, outcome=Outcome.FAILED),
        text=text,
        attachments=(
            attachment(PNG, text),
            attachment(text.encode("utf-8", "replace"), text, "text/plain"),
            attachment(b"<svg onload=alert(1)>", text, "image/svg+xml"),
            attachment(b"<svg onload=alert(1)>", text, "image/png"),
            attachment(b"?", text, text),
        ),
        model=text,
        system=text,
        at=text,
        between=(PermissionAsked("q", "a", text, {}), PermissionAnswered("q", text)),
        finished=TurnFinished(
            TurnStatus.FAILED,
            FinishReason.ERROR,
            text,
            error=Failure(ErrorKind.SERVER, text, hint=text),
        ),
    )


def hostile_conversation(text: str) -> Conversation:
    return conversation(id=text, title=text, directory=text, created_at=text, updated_at=text + "x")


# --- at random ------------------------------------------------------------------------------------

# Two halves of a pair that stand side by side are one character wherever JSON is read, so a text
# of the log never holds them apart.
texts = st.text(st.characters(), max_size=20).map(
    lambda text: text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
)
surrogates = st.sampled_from(["\ud83d", "half \udc00 of a pair", "\\ud83d", "\u2028\x85\x0b\x1b["])
any_text = texts | surrogates
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(any_text, values, max_size=3)
counts = st.none() | st.integers(0, 10**9)
usages = st.builds(Usage, counts, counts, counts, counts, counts, st.none() | st.floats(0, 10))
attachments = st.builds(
    Attachment, any_text, any_text, st.integers(0, 10**9), any_text, data=st.none()
)
common: dict[str, Any] = {
    "id": any_text,
    "index": st.integers(0, 9),
    "round": st.integers(0, 9),
    "status": st.sampled_from(Status),
    "started_at": any_text,
    "duration_ms": counts,
    "opaque": st.none() | objects,
}
citations = st.lists(st.builds(Citation, any_text, any_text, counts, counts), max_size=2).map(tuple)
steps = st.one_of(
    st.builds(ThinkingStep, **common, text=any_text, summary=st.booleans()),
    st.builds(
        TextStep,
        **common,
        text=any_text,
        citations=citations,
        phase=st.none() | any_text,
        withdrawn=st.booleans(),
    ),
    st.builds(RefusalStep, **common, text=any_text),
    st.builds(NoticeStep, **common, text=any_text, reason=any_text),
    st.builds(
        ToolCallStep,
        **common,
        call_id=any_text,
        name=any_text,
        arguments=any_text,
        input=st.none() | objects,
        hosted=st.booleans(),
    ),
    st.builds(
        ToolResultStep,
        **common,
        call_id=any_text,
        name=any_text,
        content=any_text,
        ok=st.booleans(),
        outcome=st.sampled_from(Outcome),
        exit_code=st.none() | st.integers(-9, 255),
        truncated=st.none() | st.booleans(),
        full_output=st.none() | any_text,
    ),
)
middles = st.one_of(
    st.builds(StepFinished, steps),
    st.builds(UsageReported, usages),
    st.builds(
        PermissionAsked,
        any_text,
        any_text,
        any_text,
        st.dictionaries(any_text.map(lambda key: f"x{key}"), values, max_size=2),
    ),
    st.builds(PermissionAnswered, any_text, any_text, values),
)
failures = st.builds(
    Failure, st.sampled_from(ErrorKind), any_text, counts, st.none() | any_text, st.booleans()
)
ends = st.builds(
    TurnFinished,
    st.sampled_from(TurnStatus),
    st.sampled_from(FinishReason),
    st.none() | any_text,
    usages,
    st.lists(any_text, max_size=2).map(tuple),
    st.none() | failures,
)


@st.composite
def trees(draw: st.DrawFn) -> list[RecordedTurn]:
    """Turns in a tree, parents first."""
    ids = draw(st.lists(texts.filter(bool), max_size=5, unique=True))
    turns = []
    for place, identity in enumerate(ids):
        parent = draw(st.sampled_from([None, *ids[:place]]))
        started = TurnStarted(
            draw(any_text),
            identity,
            parent,
            UserInput(draw(any_text), tuple(draw(st.lists(attachments, max_size=2)))),
            draw(st.none() | any_text),
            draw(any_text),
            draw(objects),
            draw(any_text),
        )
        events = [started, *draw(st.lists(middles, max_size=4)), *draw(st.lists(ends, max_size=1))]
        turns.append(RecordedTurn(identity, parent, started.conversation, tuple(events)))
    return turns


conversations = st.builds(
    conversation,
    id=any_text,
    title=any_text,
    directory=st.none() | any_text,
    head=st.none() | any_text,
    created_at=any_text,
    updated_at=any_text,
)
blobs = st.lists(st.binary(max_size=40), max_size=3).map(
    lambda contents: {hashlib.sha256(each).hexdigest(): each for each in contents}
)
