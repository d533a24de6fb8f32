"""Opening at open time: what comes out is what may come out, whatever happens on the way."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatterm.steps import Outcome
from chatterm.tools import beneath, opening
from chatterm.tools.base import ToolError
from chatterm.tools.decoding import decode, image_type, is_binary
from chatterm.tools.opening import open_directory, open_regular, shown
from filetools import SECRET, Desk


def no_openat2(root: int, path: str, flags: int) -> int:
    raise NotImplementedError


@pytest.fixture(params=["openat2", "walk", "walk without names"])
def desk(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    if request.param == "openat2":
        at = os.open("/", beneath.PASSING)
        try:
            os.close(beneath.openat2(at, "tmp", beneath.PASSING))
        except NotImplementedError:
            pytest.skip("this kernel has no openat2, or it is forbidden here")
        finally:
            os.close(at)
    elif request.param == "walk":
        monkeypatch.setattr(beneath, "openat2", no_openat2)
    else:
        monkeypatch.setattr(beneath, "named", lambda: False)
        monkeypatch.setattr(beneath, "name_of", lambda descriptor: None)
    before = descriptors()
    yield Desk(tmp_path)
    assert descriptors() == before  # none is left


def descriptors() -> int:
    found = Path("/proc/self/fd")
    return len(list(found.iterdir())) if found.is_dir() else 0


def content(desk: Desk, path: Path, *approved: Path) -> str:
    with open_regular(path, desk.places, frozenset(approved)) as opened:
        return opened.read(1000).decode()


def test_a_file_in_the_workspace_is_opened_as_what_it_really_is(desk: Desk) -> None:
    desk.write("sub/a.txt", "a")
    (desk.root / "link").symlink_to("sub/a.txt")
    (desk.root / "absolute").symlink_to(desk.root / "sub")
    for path in ("sub/a.txt", "link", "sub/../link", "absolute/a.txt", "absolute/../link"):
        with open_regular(desk.root / path, desk.places) as opened:
            assert opened.path == desk.root / "sub/a.txt"
            assert opened.read(10) == b"a"


@pytest.mark.parametrize("written", ["../../outside/secret.txt", "link", "up/secret.txt", "two"])
def test_what_is_outside_stays_there(desk: Desk, written: str) -> None:
    (desk.root / "link").symlink_to(desk.secret)
    (desk.root / "up").symlink_to("../../outside")
    (desk.root / "two").symlink_to("link")
    for path in (desk.root / written, desk.secret):
        with pytest.raises(ToolError, match="outside the workspace") as error:
            open_regular(path, desk.places)
        assert error.value.outcome is Outcome.DENIED
        assert content(desk, path, desk.secret) == SECRET  # asked about, and allowed


def test_an_allowed_directory_is_open_with_all_in_it(desk: Desk) -> None:
    with open_regular(desk.secret, desk.places, within=desk.outside) as opened:
        assert opened.path == desk.secret
    with open_directory(desk.outside, desk.places, frozenset({desk.outside})) as opened:
        assert os.listdir(opened.descriptor) == ["secret.txt"]  # noqa: PTH208 - a descriptor
    with pytest.raises(ToolError, match="outside the workspace"):
        open_directory(desk.outside, desk.places)


def test_without_a_workspace_nothing_is_open_unasked(desk: Desk) -> None:
    from chatterm.permissions.places import Places

    path = desk.write("a", "a")
    with pytest.raises(ToolError, match="there is no workspace"):
        open_regular(path, Places.of(None, desk.home))


def test_sensitive_files_need_a_yes(desk: Desk) -> None:
    secret = desk.write(".env", "KEY=1")
    (desk.root / "harmless.txt").symlink_to(".env")
    for path in (secret, desk.root / "harmless.txt"):
        with pytest.raises(ToolError, match="sensitive"):
            open_regular(path, desk.places)
        assert content(desk, path, secret) == "KEY=1"


def test_a_second_name_of_a_sensitive_file_needs_a_yes_too(desk: Desk) -> None:
    key = desk.home / ".ssh/id_ed25519"
    key.parent.mkdir()
    key.write_text("key")
    other = desk.root / "notes.txt"
    other.hardlink_to(key)
    with pytest.raises(ToolError, match="the same file as"):
        open_regular(other, desk.places)
    assert content(desk, other, other) == "key"


def test_only_regular_files_are_read_and_nothing_waits(desk: Desk) -> None:
    os.mkfifo(desk.root / "pipe")
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as server:
        here = Path.cwd()
        os.chdir(desk.root)  # a socket's path must be short
        try:
            server.bind("socket")
        finally:
            os.chdir(here)
        (desk.root / "dir").mkdir()
        for name, kind in {"pipe": "named pipe", "socket": "socket", "dir": "directory"}.items():
            with pytest.raises(ToolError, match=kind):
                open_regular(desk.root / name, desk.places)
    with pytest.raises(ToolError, match="no directory"):
        open_directory(desk.write("file"), desk.places)


@pytest.mark.parametrize("path", ["/proc/self/environ", "/dev/zero", "/sys/kernel/notes"])
def test_what_the_kernel_shows_as_files_is_refused_even_when_approved(
    desk: Desk, path: str
) -> None:
    (desk.root / "link").symlink_to(path)
    for each in (Path(path), desk.root / "link"):
        with pytest.raises(ToolError, match="no ordinary files"):
            open_regular(each, desk.places, frozenset({Path(path), each.resolve()}))


def test_missing_and_impossible_paths_are_told(desk: Desk) -> None:
    (desk.root / "loop").symlink_to("loop")
    with pytest.raises(ToolError, match="there is no"):
        open_regular(desk.root / "missing", desk.places)
    with pytest.raises(ToolError):
        open_regular(desk.root / "loop", desk.places)
    with pytest.raises(ToolError, match="no path"):
        open_regular(desk.root / "a\0b", desk.places)
    with pytest.raises(ToolError, match="File name too long"):
        open_regular(desk.root / ("x" * 300), desk.places)


def test_names_need_not_be_unicode(desk: Desk) -> None:
    path = desk.root / os.fsdecode(b"caf\xe9")
    path.write_text("x")
    assert content(desk, path) == "x"
    assert "\\udce9" in shown(path)


def test_reads_end_at_their_limit_whatever_the_size(desk: Desk) -> None:
    path = desk.root / "sparse"
    with path.open("wb") as file:
        file.truncate(10 * 1024**3)
    with open_regular(path, desk.places) as opened:
        assert len(opened.read(5000)) == 5000


@pytest.mark.parametrize("swapped", ["d/secret.txt", "d"])
def test_what_is_swapped_in_after_the_look_is_not_read(
    desk: Desk, swapped: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = desk.write("d/secret.txt", "harmless")
    place, to = desk.root / swapped, desk.outside.parent / "outside"
    look = opening.real_path

    def look_and_swap(written: Path) -> Path:
        found = look(written)
        if not place.is_symlink():
            place.rename(desk.root / "aside")
            place.symlink_to(to / "secret.txt" if swapped.endswith("txt") else to)
        return found

    monkeypatch.setattr(opening, "real_path", look_and_swap)
    with pytest.raises(ToolError) as error:
        open_regular(path, desk.places)
    assert error.value.outcome is Outcome.DENIED


def test_a_sensitive_file_swapped_in_after_the_look_is_not_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, secret = desk.write("a.txt", "harmless"), desk.write(".env", "KEY=1")
    look = opening.real_path

    def look_and_swap(written: Path) -> Path:
        found = look(written)
        if path.exists() and not path.is_symlink():
            path.unlink()
            path.symlink_to(".env")
        return found

    monkeypatch.setattr(opening, "real_path", look_and_swap)
    with pytest.raises(ToolError, match="sensitive"):
        open_regular(path, desk.places)
    assert content(desk, path, secret) == "KEY=1"


def test_a_racing_link_never_lets_the_secret_out(desk: Desk) -> None:
    path = desk.write("swapped", "harmless")
    directory = desk.root / "d"
    directory.mkdir()
    (directory / "secret.txt").write_text("harmless")
    stop = threading.Event()

    def swap() -> None:
        file, link = desk.root / "file", desk.root / "link"
        aside = desk.root / "aside"
        while not stop.is_set():
            file.write_text("harmless")
            file.replace(path)
            link.symlink_to(desk.secret)
            link.replace(path)
            directory.rename(aside)
            directory.symlink_to(desk.outside)
            directory.unlink()
            aside.rename(directory)

    swapping = threading.Thread(target=swap)
    swapping.start()
    seen = set()
    try:
        for _ in range(1000):
            for each in (path, directory / "secret.txt"):
                with contextlib.suppress(ToolError):
                    seen.add(content(desk, each))
    finally:
        stop.set()
        swapping.join()
    assert seen <= {"harmless"}


def test_a_walk_follows_links_as_the_kernel_does(desk: Desk) -> None:
    desk.write("a/b/c.txt", "c")
    (desk.root / "a/up").symlink_to("../a/b/")
    (desk.root / "a/out").symlink_to("../../outside/secret.txt")
    (desk.root / "a/absolute").symlink_to("/etc/hostname")
    at = os.open(desk.root, beneath.PASSING)
    try:
        opened, _ = beneath.open_beneath(at, "a/up/../up/c.txt", os.O_RDONLY)
        os.close(opened)
        opened, _ = beneath.open_beneath(at, "a/up/..", os.O_RDONLY)
        os.close(opened)
        for path in ("a/out", "a/absolute", "..", "a/../../work"):
            with pytest.raises(OSError, match="cross-device"):
                beneath.open_beneath(at, path, os.O_RDONLY)
        with pytest.raises(NotADirectoryError):
            beneath.open_beneath(at, "a/b/c.txt/x", os.O_RDONLY)
    finally:
        os.close(at)


@pytest.mark.parametrize(
    ("data", "text", "note"),
    [
        (b"plain", "plain", ""),
        ("\ufeffmark".encode(), "mark", ""),
        ("wide \u20ac".encode("utf-16"), "wide \u20ac", "UTF-16-LE"),
        (b"\xfe\xff\0a", "a", "UTF-16-BE"),
        (b"caf\xe9", "caf\ufffd", "isn't valid UTF-8"),
    ],
)
def test_text_is_decoded_strictly_then_with_a_note(data: bytes, text: str, note: str) -> None:
    found = decode(data)
    assert found.text == text
    assert note in found.note
    assert bool(note) == bool(found.note)
    assert not is_binary(data)
    if found.exact:
        assert found.encode(found.text) == data


def test_a_zero_byte_near_the_beginning_means_binary() -> None:
    assert is_binary(b"a\0b")
    assert not is_binary(b"a" * 8192 + b"\0")
    assert image_type(b"RIFF\0\0\0\0WEBP") == "image/webp"
    assert image_type(b"GIF89a") == "image/gif"
    assert image_type(b"%PDF-1.7") is None
