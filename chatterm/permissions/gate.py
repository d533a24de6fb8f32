"""The gate: what is to happen to a tool call.

For each thing that a call would touch: a rule that denies comes first, then what is sensitive or
protected, which only the user can allow, then rules that ask, then rules that allow, and at last
the mode. Of all that a call touches the strictest decision counts. What isn't understood asks, and
where a limit is hit, it asks.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from chatterm.config import stricter
from chatterm.config.schema import Mode, Rule
from chatterm.permissions.places import Places, real
from chatterm.permissions.rereading import InForce
from chatterm.permissions.rules import (
    Proposal,
    Ruling,
    Scope,
    closing,
    matches,
    proposals,
    ruling,
)
from chatterm.permissions.rulewords import table_of
from chatterm.permissions.sandbox.levels import Level
from chatterm.permissions.verdicts import (
    Access,
    CallClass,
    Decision,
    FetchAccess,
    Judgement,
    ReadAccess,
    ReadOnly,
    RemoteAccess,
    ShellAccess,
    Unknown,
    WriteAccess,
)

log = logging.getLogger(__name__)

_ORDER = (Decision.DENY, Decision.ASK, Decision.ALLOW)
_PLAN = "the mode is plan: it only reads"
_PROJECTS_PLAN = "the mode is plan, as the project asks: it only reads"


@dataclass(frozen=True, slots=True)
class Posture:
    """What the user has settled for a session, beside rules.

    Attributes:
        mode: The permission mode.
        level: How commands are caged.
        level_chosen: The user named the level, so that rules count in full even where it is none.
        yes: The user has said yes to all that no rule denies (`--yes`).
        trusted: The directory is trusted.
    """

    mode: Mode = "confirm"
    level: Level = Level.NONE
    level_chosen: bool = False
    yes: bool = False
    trusted: bool = False


Keeper = Callable[[Rule, Scope], None]


class Files(Protocol):
    """Where the rules stand; they may change at any time."""

    def now(self) -> InForce:
        """What counts now."""
        ...

    def complaints(self) -> tuple[str, ...]:
        """What is wrong with them that wasn't told yet."""
        ...


@dataclass(slots=True)
class Gate:
    """Decides about calls. It may be used from several threads.

    Attributes:
        places: Which files are whose.
        posture: What the user has settled; may be replaced while a session runs.
        rules: The rules in force; where there are files, as they were when a call was last judged.
        keep: Writes down a rule for a scope beyond the session; raises ConfigError.
        search: The directories in which programs are looked for.
        files: Where the rules stand, looked at for each call; None: they are as given.
    """

    places: Places
    posture: Posture
    rules: tuple[Rule, ...] = ()
    keep: Keeper | None = None
    search: tuple[str, ...] = ()
    files: Files | None = None
    _granted: tuple[Rule, ...] = field(default=(), repr=False)
    _found: InForce | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self._look()

    def judge(self, tool: str, access: Sequence[Access]) -> Judgement:
        """What is to happen to a call of a tool that would touch these."""
        if not access:
            return Judgement(Decision.ASK, CallClass.UNKNOWN, "it doesn't say what it touches")
        try:
            self._look()
            judgements = [self._judge(tool, each) for each in access]
        except Exception:  # a defect in judging allows nothing
            log.exception("a call of %s can't be judged", tool)
            reason = "an error inside chatterm: it can't be judged"
            return Judgement(Decision.ASK, CallClass.UNKNOWN, reason, sensitive=True)
        strictest = min(judgements, key=lambda each: _ORDER.index(each.decision))
        return replace(
            strictest,
            sensitive=any(each.sensitive for each in judgements),
            approved=frozenset().union(*(each.approved for each in judgements)),
            closed=frozenset().union(*(self._closed(tool, each) for each in access)),
        )

    def proposals(
        self, tool: str, access: Sequence[Access], judgement: Judgement
    ) -> tuple[Proposal, ...]:
        """The rules that a yes beyond "once" may make: none where such a rule wouldn't count."""
        if len(access) != 1 or judgement.sensitive or judgement.call_class is CallClass.UNKNOWN:
            return ()
        if judgement.rule is not None:  # one that asks would go on asking
            return ()
        about = self._as_judged(access[0], judgement)
        if about is None:
            return ()
        found = proposals(tool, about, judgement.commands)
        counting = tuple(each for each in found if self._counts(each.rule))
        if self.places.workspace is None:
            scopes = (Scope.SESSION, Scope.EVERYWHERE)
            counting = tuple(replace(each, scopes=scopes) for each in counting)
        return counting

    def _as_judged(self, access: Access, judgement: Judgement) -> Access | None:
        """What a rule that allows an access is about: of a path what it really is.

        None where that is another one by now than was judged.
        """
        if not isinstance(access, ReadAccess | WriteAccess):
            return access
        really, approved = real(access.path), judgement.approved
        same = really in approved if approved else self.places.inside(really)
        return replace(access, path=really) if same else None

    def grant(self, rule: Rule, scope: Scope) -> None:
        """Keep a rule for a scope.

        Raises:
            ConfigError: It can't be written down; it counts for the session all the same.
        """
        if scope is Scope.ONCE:
            return
        self._granted = (*self._granted, rule)
        if scope is not Scope.SESSION and self.keep is not None:
            self.keep(rule, scope)
            self._look()
            if self.files is not None and rule in self.rules:  # what is removed there is gone here
                self._granted = tuple(each for each in self._granted if each is not rule)

    def complaints(self) -> tuple[str, ...]:
        """What is wrong with the files of rules since they were read; each is told once."""
        return self.files.complaints() if self.files is not None else ()

    def _look(self) -> None:
        """Have the rules as they are now."""
        if self.files is not None:
            self._found = self.files.now()
            self.rules = self._found.rules

    @property
    def trusted(self) -> bool:
        """Whether the directory is trusted; as of the last call, where files tell."""
        return self.posture.trusted if self._found is None else self._found.trusted

    @property
    def mode(self) -> Mode:
        """The mode in force: the stricter of the user's and the project's."""
        return stricter(self.posture.mode, self._found.mode if self._found is not None else None)

    @property
    def _answers(self) -> bool:
        """Whether a yes to everything was given that can be given so."""
        return self.posture.yes or self.mode == "yolo"

    # --- one access ---

    def _judge(self, tool: str, access: Access) -> Judgement:
        match access:
            case ShellAccess():
                return self._judge_shell(tool, access)
            case ReadAccess():
                return self._judge_read(tool, access)
            case WriteAccess():
                return self._judge_write(tool, access)
            case FetchAccess():
                return self._judge_fetch(tool, access)
            case RemoteAccess():
                return self._judge_remote(tool, access)

    def _judge_shell(self, tool: str, access: ShellAccess) -> Judgement:
        from chatterm.permissions.shell.analysis import Surroundings, analyse

        workspace = self.places.workspace
        trusted = workspace if self.trusted else None
        surroundings = Surroundings(self.places, self.search, trusted, self._unreadable())
        found = analyse(access.command, access.directory, surroundings)
        verdict, beyond = found.verdict, self._beyond(access)
        reads = isinstance(verdict, ReadOnly)
        base = Judgement(
            Decision.ASK,
            _class_of(verdict),
            beyond or ("it only reads" if isinstance(verdict, ReadOnly) else verdict.reason),
            verdict.commands,
            sensitive=(not isinstance(verdict, ReadOnly) and verdict.sensitive)
            or any(self._guarded(path) is not None for path in access.writable),
            approved=frozenset(access.writable),
        )
        ruled = self._ruled(
            tool, access, verdict.commands, harmless=found.readers, inner=found.inner
        )
        if not found.searched and self._restricting(tool):
            base = replace(base, reason=_UNSEARCHED, sensitive=True)
        whole = not (beyond or isinstance(verdict, Unknown))
        if ruled is not None and ruled.decision is Decision.ALLOW and not whole:
            ruled = None  # a rule is about a command's words, and here is more than those
        plain = reads and not beyond
        decided = self._decided(base, ruled, plan_allows=plain)
        if plain and (decided is None or decided.decision is Decision.ALLOW):
            hardened = workspace if found.hardened else None
            return replace(decided or base, decision=Decision.ALLOW, hardened=hardened)
        if decided is not None:
            return decided
        if self.mode == "caged" and self.posture.level.caged and not beyond:
            reason = "it runs in the cage, without network"
            return replace(base, decision=Decision.ALLOW, reason=reason, caged=True)
        return base

    def _judge_read(self, tool: str, access: ReadAccess) -> Judgement:
        path, places = access.path, self.places
        really = real(path)
        if reason := places.unreal(path):
            return Judgement(Decision.DENY, CallClass.NEEDS_APPROVAL, reason)
        inside = places.inside(path)
        guarded = places.sensitive(path) or places.linked(path)
        reason = guarded or ("it only reads" if inside else f"{_shown(really)} is {_OUTSIDE}")
        base = Judgement(
            Decision.ASK,
            CallClass.READ_ONLY if inside and not guarded else CallClass.NEEDS_APPROVAL,
            reason,
            sensitive=guarded is not None,
            approved=frozenset() if inside and not guarded else frozenset({really}),
        )
        decided = self._decided(base, self._ruled(tool, access), plan_allows=True)
        if decided is not None:
            return decided
        return replace(base, decision=Decision.ALLOW) if inside else base

    def _judge_write(self, tool: str, access: WriteAccess) -> Judgement:
        path, places, mode = access.path, self.places, self.mode
        really = real(path)
        if reason := places.unreal(path):
            return Judgement(Decision.DENY, CallClass.NEEDS_APPROVAL, reason)
        inside = places.inside(path)
        guarded = self._guarded(path) or places.linked(path)
        base = Judgement(
            Decision.ASK,
            CallClass.NEEDS_APPROVAL,
            guarded or ("it changes a file" if inside else f"{_shown(really)} is {_OUTSIDE}"),
            sensitive=guarded is not None,
            approved=frozenset() if inside and not guarded else frozenset({really}),
        )
        decided = self._decided(base, self._ruled(tool, access), plan_allows=False)
        if decided is not None:
            return decided
        free = mode == "accept-edits" or (mode == "caged" and self.posture.level.caged)
        if inside and free:
            reason = f"the mode is {mode}"
            return replace(base, decision=Decision.ALLOW, reason=reason)
        return base

    def _judge_fetch(self, tool: str, access: FetchAccess) -> Judgement:
        base = Judgement(
            Decision.ASK, CallClass.NEEDS_APPROVAL, f"it reaches {_printable(access.host)}"
        )
        return self._decided(base, self._ruled(tool, access), plan_allows=True) or base

    def _judge_remote(self, tool: str, access: RemoteAccess) -> Judgement:
        # What it does over there isn't known here: no mode but yolo lets it run unasked.
        reason = "the provider would run it, not chatterm: no sandbox holds it"
        base = Judgement(Decision.ASK, CallClass.NEEDS_APPROVAL, reason)
        return self._decided(base, self._ruled(tool, access), plan_allows=False) or base

    # --- what all have in common ---

    def _decided(
        self, base: Judgement, ruled: Ruling | None, *, plan_allows: bool
    ) -> Judgement | None:
        """What rules, the mode plan and a yes to everything decide, in this order."""
        if ruled is not None and ruled.decision is Decision.DENY:
            return self._by_rule(base, ruled)
        if self.mode == "plan" and not plan_allows:
            reason = _PLAN if self.posture.mode == "plan" else _PROJECTS_PLAN
            return replace(base, decision=Decision.DENY, reason=reason)
        if base.sensitive:
            return base
        if self._answers:
            how = "--yes was given" if self.posture.yes else "the mode is yolo"
            return replace(base, decision=Decision.ALLOW, reason=how)
        if ruled is not None:
            return self._by_rule(base, ruled)
        return None

    @staticmethod
    def _by_rule(base: Judgement, ruled: Ruling) -> Judgement:
        reason = {
            Decision.DENY: "a rule denies it",
            Decision.ASK: "a rule asks about it",
            Decision.ALLOW: "a rule allows it",
        }[ruled.decision]
        return replace(base, decision=ruled.decision, reason=reason, rule=table_of(ruled.rule))

    def _ruled(
        self,
        tool: str,
        access: Access,
        commands: Sequence[tuple[str, ...]] = (),
        *,
        harmless: Sequence[tuple[str, ...]] = (),
        inner: Sequence[tuple[str, ...]] = (),
    ) -> Ruling | None:
        rules = [rule for rule in (*self.rules, *self._granted) if self._counts(rule)]
        return ruling(
            rules,
            tool,
            access,
            commands,
            workspace=self.places.workspace,
            harmless=harmless,
            inner=inner,
        )

    def _closed(self, tool: str, access: Access) -> frozenset[str]:
        """What rules close below a directory that is read whole.

        What a search finds in a file is read, so that rules about reading it count as well.
        """
        if not isinstance(access, ReadAccess) or not access.recursive:
            return frozenset()
        tools = {tool, "read_file"} if tool == "search" else {tool}
        return frozenset(
            rule.path
            for rule in self._restricting(*tools)
            if rule.path is not None
            # What the call itself names is refused or asked about, not left out.
            and not (rule.tool == tool and matches(rule, access, self.places.workspace))
        )

    def _unreadable(self) -> Callable[[Path], bool]:
        """What tells whether a rule denies reading a path, or asks about it.

        No command runs unasked for only reading what the tool for it isn't let read.
        """
        closes = [
            closing(rule.path, self.places.workspace)
            for rule in self._restricting("read_file")
            if rule.path is not None
        ]
        return lambda path: any(each(path) for each in closes)

    def _restricting(self, *tools: str) -> list[Rule]:
        """The rules that deny some of these tools' calls, or ask about some."""
        rules = (*self.rules, *self._granted)
        return [rule for rule in rules if rule.tool in tools and rule.decision != "allow"]

    def _counts(self, rule: Rule) -> bool:
        """Whether a rule counts here: without a cage, one that allows commands names them whole."""
        if rule.tool != "shell" or rule.decision != "allow":
            return True
        posture = self.posture
        exact = rule.argv is not None and not rule.prefix
        return exact or posture.level.caged or posture.level_chosen

    def _beyond(self, access: ShellAccess) -> str:
        """What a line asks for beyond the cage; empty where it asks for nothing."""
        asked = ["it asks for the network"] if access.network else []
        asked += [f"it asks to write {_shown(path)}" for path in access.writable]
        workspace = self.places.workspace
        if workspace is not None and not access.directory.is_relative_to(workspace):
            asked.append(f"it would run in {_shown(access.directory)}, {_OUTSIDE}")
        return " and ".join(asked)

    def _guarded(self, path: Path) -> str | None:
        return self.places.protected(path) or self.places.sensitive(path)


_UNSEARCHED = "it can't be looked through for all that rules deny or ask about"
_OUTSIDE = "outside of the workspace"


def _class_of(verdict: object) -> CallClass:
    if isinstance(verdict, ReadOnly):
        return CallClass.READ_ONLY
    return CallClass.UNKNOWN if isinstance(verdict, Unknown) else CallClass.NEEDS_APPROVAL


def _printable(text: str) -> str:
    return text if text.isprintable() else ascii(text)


def _shown(path: Path) -> str:
    return _printable(os.fspath(path))
