"""Which files are whose: the workspace, what is sensitive, what is protected, what is no file.

Names decide here, not content. A path is judged both as it is written and as it really is, so that
neither a link nor a detour through `..` changes what it counts as. What is opened later is checked
again while it is opened (`opening.py`): this module alone keeps no race out.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import translate
from functools import cache
from pathlib import Path

from chatterm.permissions.sandbox.covered import SENSITIVE_ANYWHERE, Covered, usual

# Where the kernel shows its own state and devices as files.
_UNREAL = ("/proc", "/sys", "/dev")
# Names that hold keys wherever they are; all names are compared with their case folded, as on some
# systems two that differ in nothing else are the same file's.
_SENSITIVE_NAMES = (
    *(".env*", "*.env", ".netrc", "_netrc", ".pgpass", ".git-credentials", ".npmrc", ".pypirc"),
    *(".htpasswd", ".dockercfg", ".s3cfg", ".boto", ".my.cnf", ".vault-token", ".histfile"),
    *("*_history", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.ppk", "*.kdbx"),
    *("*.kdb", "*.keyring", "*.keychain*", "*.gpg", "id_*", "credentials.json", ".secrets"),
    *("client_secret*.json", "service-account*.json", "key4.db", "logins.json", "cookies.sqlite"),
    *("service_account*.json", "*firebase-adminsdk*.json", "application_default_credentials.json"),
    *("*_rsa", "*_dsa", "*_ecdsa", "*_ed25519", ".zhistory", ".lesshst", ".viminfo", "kubeconfig"),
    *("*.tfstate", "*.tfstate.backup", ".vault_pass*", "wallet.dat", "rclone.conf"),
    *("secrets.json", "secrets.toml", "secrets.yaml", "secrets.yml"),
)
_HARMLESS_NAMES = (
    *(".env.example", ".env.sample", ".env.template", ".env.dist", "*.pub"),
    *(f"id_*.{ending}" for ending in ("py", "rs", "md", "js", "ts", "go", "c", "h", "java", "rb")),
)
_SENSITIVE_PLACES = re.compile(
    f"/(?:{'|'.join(re.escape(name.casefold()) for name in SENSITIVE_ANYWHERE)})/"
)
# What says what runs when somebody works in the directory that it is in, whichever that is.
_DECIDING = re.compile(r"/(?:\.mcp\.json|\.vscode|\.idea|\.chatterm|\.envrc)/")
# How many files are looked at to find another name of a file with several.
_MOST_LINKS = 5000
_MOST_ENTRIES = 20_000  # of a workspace, looked through for sensitive files
# What is in them is others' work, and there is much of it.
_PASSED_OVER = frozenset({".git", "node_modules"})


class _TooManyError(Exception):
    """There are too many files to look through."""


@dataclass(frozen=True, slots=True)
class Places:
    """The places that path rules tell apart.

    Attributes:
        workspace: The real path of the workspace; None where there is none.
        home: The real path of the home directory; None where there is none.
        own: chatterm's own configuration and store.
    """

    workspace: Path | None
    home: Path | None
    own: tuple[Path, ...] = ()
    _covered: Covered = field(default_factory=Covered, repr=False)

    @staticmethod
    def of(workspace: Path | None, home: Path | None, own: Iterable[Path] = ()) -> Places:
        """The places around a workspace."""
        real = None if workspace is None else Path(os.path.realpath(workspace))
        at_home = None if home is None else Path(os.path.realpath(home))
        ours = tuple(Path(os.path.realpath(path)) for path in own)
        return Places(real, at_home, ours, usual(real, at_home, ours))

    def inside(self, path: Path) -> bool:
        """Whether a path, as it really is, is in the workspace."""
        return self.workspace is not None and real(path).is_relative_to(self.workspace)

    def unreal(self, path: Path) -> str | None:
        """Why a path is no ordinary file's: /proc, /sys and /dev; None where it is."""
        for each in _readings(path):
            for root in _UNREAL:
                if each == Path(root) or each.is_relative_to(root):
                    return f"{root} holds no ordinary files"
        return None

    def sensitive(self, path: Path) -> str | None:
        """Why reading a path may give a secret away; None where its names don't say so."""
        for each in _readings(path):
            if reason := self.sensitive_name(each):
                return reason
        return None

    def protected(self, path: Path) -> str | None:
        """Why writing a path may run something later; None where it can't be told from its name.

        A path counts also when something protected is below it: who replaces a directory replaces
        what is in it.
        """
        for each in _readings(path):
            if each == self.workspace:
                continue  # the workspace itself: asked about as what it is
            text = str(each).casefold()
            for root in self._covered.protected:
                top = str(root).casefold()
                if _below(text, top) or _below(top, text):
                    return f"{_shown(each)} is protected: what runs later is decided there"
            if _DECIDING.search(f"{text}/"):
                return f"{_shown(each)} is protected: what runs later is decided there"
            if "/.git/" in f"{text}/":
                return f"{_shown(each)} is protected: it is one of a repository's own files"
        return None

    def linked(self, path: Path) -> str | None:
        """Why a file with several names may be a sensitive one under another; None if it isn't."""
        try:
            found = os.stat(path)  # noqa: PTH116 - a path that may not be a file's
        except (OSError, ValueError):
            return None
        return self.linked_status(found)

    def linked_status(self, found: os.stat_result) -> str | None:
        """As `linked`, of a file that is already open."""
        if not stat.S_ISREG(found.st_mode) or found.st_nlink < 2:
            return None
        same = (found.st_dev, found.st_ino)
        try:
            for path, number in self._sensitive_files():
                if number == same:
                    return f"it is the same file as {_shown(path)}, which is sensitive"
        except _TooManyError:
            return "it has several names, too many files to tell whether one is sensitive"
        return None

    def sensitive_files(self) -> frozenset[tuple[int, int]] | None:
        """Device and number of every sensitive file, to look many files with several names up in.

        None when there are too many to tell: then any file with several names may be one.
        """
        try:
            return frozenset(number for _, number in self._sensitive_files())
        except _TooManyError:
            return None

    def sensitive_name(self, path: Path) -> str | None:
        """As `sensitive`, of a path that is known to be what it really is: looks at no file."""
        text = f"{path}/".casefold()
        if _beginning(self._covered.hidden)(text):
            return f"{_shown(path)} is sensitive"
        name = path.name.casefold()
        if _matching(_SENSITIVE_NAMES)(name) and not _matching(_HARMLESS_NAMES)(name):
            return f"{_shown(path)} is sensitive by its name"
        if _SENSITIVE_PLACES.search(text):
            return f"{_shown(path)} is in a sensitive directory"
        return None

    def _sensitive_files(self) -> Iterator[tuple[Path, tuple[int, int]]]:
        """The sensitive files that are known of, each with its device and number.

        Raises:
            _TooManyError: There are too many to look at, or too many files among which they are.
        """
        for seen, path in enumerate(self._sensitive_paths()):
            if seen >= _MOST_LINKS:
                raise _TooManyError
            try:
                status = path.lstat()
            except OSError:
                continue
            yield path, (status.st_dev, status.st_ino)

    def _sensitive_paths(self) -> Iterator[Path]:
        # Below the home directory and in it, and anywhere in the workspace.
        for root in self._covered.hidden:
            if root.is_dir() and not root.is_symlink():
                for directory, _, names in os.walk(root):
                    yield from (Path(directory) / name for name in names)
            else:
                yield root
        if self.home is not None:
            try:
                names = os.listdir(self.home)  # noqa: PTH208 - names are all that is wanted
            except OSError:
                names = []
            yield from self._sensitive_of(self.home, names)
        left = _MOST_ENTRIES
        for found, directories, names in os.walk(self.workspace) if self.workspace else ():
            directories[:] = [name for name in directories if name not in _PASSED_OVER]
            left -= len(names)
            if left < 0:
                raise _TooManyError
            yield from self._sensitive_of(Path(found), names)

    def _sensitive_of(self, directory: Path, names: Iterable[str]) -> Iterator[Path]:
        paths = (directory / name for name in names)
        return (path for path in paths if self.sensitive_name(path))


@cache
def _matching(patterns: tuple[str, ...]) -> Callable[[str], object]:
    return re.compile("|".join(map(translate, patterns))).match


@cache
def _beginning(roots: tuple[Path, ...]) -> Callable[[str], object]:
    """Whether a path is one of some or below: asked of each file of a tree, so it must be quick."""
    folded = (re.escape(f"{root}/".casefold()) for root in roots)
    return re.compile("|".join(folded) or r"(?!)").match


def real(path: Path) -> Path:
    """A path as it really is, links followed, as far as it exists."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        return path


def _readings(path: Path) -> tuple[Path, ...]:
    """A path as it is written, without detours, and as it really is."""
    written = Path(os.path.normpath(path))
    really = real(path)
    return (written,) if written == really else (written, really)


def _below(text: str, top: str) -> bool:
    """Whether a path is another one or below it."""
    return text == top or text.startswith(top if top.endswith("/") else f"{top}/")


def _shown(path: Path) -> str:
    text = str(path)
    return text if text.isprintable() else ascii(text)
