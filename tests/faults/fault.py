"""What a fault is: plain data that says what the server does, and what the turn must come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from faults.replies import HOSTED, PROTOCOLS, Reply
from faultserver import Action, Answer

Answers = Callable[[Reply], Sequence[Answer]]
Text = Callable[[Reply], str]
CALLING = tuple(name for name in PROTOCOLS if name not in HOSTED)  # tools run here, not there

# What stands in an answer's bytes and headers for what only the run knows.
OTHER_HOST = "{other-host}"
KEY = "{the-key}"


class Where(StrEnum):
    """What stands between the program and the provider."""

    PLAIN = "plain"  # the fault server itself, over HTTP
    REFUSED = "refused"  # nobody listens
    UNTRUSTED = "untrusted"  # TLS with a certificate that nobody vouches for
    OTHER_NAME = "other_name"  # TLS with a certificate for another host
    EXPIRED = "expired"  # TLS with a certificate that is out of date
    NO_TLS = "no_tls"  # https:// to a server that speaks plain HTTP
    TLS = "tls"  # TLS as it should be: what the server does then is the fault
    PROXY = "proxy"  # an http:// provider behind a proxy, which answers in its place
    TUNNEL = "tunnel"  # an https:// provider behind a proxy that should open a tunnel


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, for every protocol it is about.

    Attributes:
        name: What happens, in words; unique.
        chapter: The part of the list it is in.
        answers: What the model's requests are answered with, made of a good reply. The last one
            goes on for as many requests as `sends` says; whatever is asked then gets a good reply.
        ends: What the turn may come to: `completed`, `incomplete`, or kinds of error.
        keeps: What the reply's text must begin with, on standard output and in the store.
        exact: The text is that and no more; otherwise it may go on as the good reply does.
        free: The text may go on in any way.
        whole: The reply counts as whole, so that its call runs, once. None: it may or may not.
        sends: How many requests the faulty round takes; None: 1, or 2 when nothing was shown.
        second: It is not the first reply that is faulty but the one after a tool has run.
        hasty: It is one of silence, which is given up soon.
        protocols: For which protocols it makes sense.
        where: What stands between.
        shapeless: What the server sent is so odd that what goes back of it may be, too.
        opening: It is about the request that makes a conversation (luxx).
        anew: Protocols for which it means, once the server has answered, that a conversation there
            is lost and a new one is to be made.
        long: It takes too long for the short form.
    """

    name: str
    chapter: str
    answers: Answers
    ends: tuple[str, ...]
    keeps: Text = lambda _reply: ""
    exact: bool = True
    free: bool = False
    whole: bool | None = False
    sends: int | None = 1
    second: bool = False
    hasty: bool = False
    protocols: tuple[str, ...] = PROTOCOLS
    where: Where = Where.PLAIN
    shapeless: bool = False
    opening: bool = False
    anew: tuple[str, ...] = ()
    long: bool = False

    def runs(self, protocol: str) -> tuple[int, ...]:
        """How often the tool may have run."""
        if protocol in HOSTED:
            return (0,)
        if self.second:
            return (1,)
        return (0, 1) if self.whole is None else (int(self.whole),)

    @property
    def reached(self) -> bool:
        """Whether the model's requests come to the fault server."""
        return self.where in (Where.PLAIN, Where.PROXY, Where.TLS) and not self.opening


def everything(reply: Reply) -> str:
    """The whole text."""
    return reply.text


def before(role: str, *, last: bool = False) -> Text:
    """The text before the first, or last, event of a role."""
    return lambda reply: reply.until(reply.place(role, last=last)).text


def raw(*actions: Action) -> Answers:
    """These bytes are all that is sent, the head included."""
    return lambda _reply: [Answer(list(actions), raw=True)]


def sent(make: Callable[[Reply], bytes], **options: object) -> Answers:
    """One answer with a body made of the good reply."""
    return lambda reply: [Answer(make(reply), **options)]  # type: ignore[arg-type]


def acted(make: Callable[[Reply], Sequence[Action]], **options: object) -> Answers:
    """One answer whose body is made of the good reply, with things done in between."""
    return lambda reply: [Answer(list(make(reply)), **options)]  # type: ignore[arg-type]


def always(*answers: Answer) -> Answers:
    """These answers, whatever the protocol."""
    return lambda _reply: answers
