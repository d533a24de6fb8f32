"""What a cage protects and hides by itself.

These are files through which a command would act later, and those whose content opens something.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# Below the workspace; what runs, or says what runs, when somebody works there afterwards.
_PROTECTED = (
    ".git/hooks",
    ".git/config",
    ".git/config.worktree",
    ".git/commondir",  # from where the configuration and hooks would be taken
    ".git/info/attributes",
    ".mcp.json",
    ".vscode",
    ".idea",
    ".chatterm",
    ".envrc",
)
# Below the home directory.
_START_UP = (
    *(".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".profile", ".zshrc", ".zshenv"),
    *(".zprofile", ".zlogin", ".kshrc", ".inputrc", ".gitconfig", ".config/git"),
    *(".config/fish", ".config/autostart", ".config/systemd", ".local/bin"),
    *(".bash_aliases", ".zlogout", ".xprofile", ".xsession", ".xsessionrc", ".xinitrc"),
    *(".pam_environment", ".config/environment.d", ".vimrc", ".vim", ".config/nvim"),
    *(".tmux.conf", ".config/tmux", ".direnvrc", ".config/direnv", "Library/LaunchAgents"),
)
_SENSITIVE = (
    *(".ssh", ".aws", ".azure", ".gnupg", ".kube", ".netrc", ".pgpass", ".git-credentials"),
    *(".config/gh", ".config/gcloud", ".config/op", ".docker", ".npmrc", ".pypirc"),
    *(".cargo/credentials.toml", ".cargo/credentials", ".password-store", ".local/share/keyrings"),
    *(".mozilla", ".config/google-chrome", ".config/chromium", ".config/BraveSoftware"),
    *(".bash_history", ".zsh_history", ".python_history", ".psql_history", ".mysql_history"),
    *(".node_repl_history", ".local/share/fish/fish_history", ".config/github-copilot"),
    *(".claude", ".codex", ".gemini"),
    *(".config/vivaldi", ".config/microsoft-edge", ".config/opera", ".thunderbird"),
    *("snap/firefox", "snap/chromium", ".var/app/org.mozilla.firefox", ".config/Bitwarden"),
    *(".zhistory", ".viminfo"),
    *(".gem/credentials", ".config/rclone", ".config/hub", ".terraform.d", ".lesshst"),
    *("Library/Keychains", "Library/Cookies", "Library/Safari"),
    *(f"Library/Application Support/{name}" for name in ("Google/Chrome", "Firefox", "Chromium")),
)
# Those whose names say so below any directory: a copy of a home, or one that holds its settings.
SENSITIVE_ANYWHERE = (
    *(".ssh", ".aws", ".azure", ".gnupg", ".kube", ".password-store"),
    *(".docker/config.json", ".config/git/credentials"),
    *(name for name in _SENSITIVE if "/" in name),
)


@dataclass(frozen=True, slots=True)
class Covered:
    """What cages cover.

    Attributes:
        protected: Where nobody in a cage may write, whether there is something yet or not.
        hidden: What nobody in a cage may read.
    """

    protected: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()

    def without(self, approved: Iterable[Path]) -> Covered:
        """The same but for paths that the user has allowed."""
        opened = set(approved)
        return Covered(
            tuple(path for path in self.protected if path not in opened),
            tuple(path for path in self.hidden if path not in opened),
        )


def usual(
    workspace: Path | None, home: Path | None, own: Iterable[Path] = (), more: Covered | None = None
) -> Covered:
    """What is covered in general.

    Args:
        workspace: The real path of the workspace.
        home: The home directory.
        own: chatterm's own configuration and store.
        more: What is covered besides.
    """
    more = more or Covered()
    protected = list(more.protected)
    hidden = [*more.hidden, *own]
    if workspace is not None:
        protected += [workspace / name for name in _PROTECTED]
        if (git := workspace / ".git").is_file():  # it says where the repository is
            protected.append(git)
    if home is not None:
        home = home.resolve()
        protected += [home / name for name in _START_UP]
        hidden += [home / name for name in _SENSITIVE]
    return Covered(tuple(dict.fromkeys(protected)), tuple(dict.fromkeys(hidden)))
