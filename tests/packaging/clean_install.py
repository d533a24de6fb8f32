"""What is published, installed and run with the sources out of the way: `.ci/run` calls this.

It builds the source archive and the wheel, looks into both, unpacks the archive somewhere else, and
does there what the README says a newcomer does, by its own line. Then the sources are taken away,
and the installed program is used.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from terminals import Terminal  # noqa: E402

# What stands in the wheel beside modules.
DATA = {
    "chatterm/py.typed",
    "chatterm/config.example.toml",
    "chatterm/providers/demo.script",
    "chatterm/providers/local/smollm2.jinja",
    *(f"chatterm/themes/{each.name}" for each in (ROOT / "themes").iterdir()),
}
SHIPPED = {
    *("chatterm", "tests", "themes", "docs", "config.example.toml", "pyproject.toml"),
    *("README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", ".gitignore", "PKG-INFO"),
}
PIP = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}


def main() -> None:
    """Do all of it."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        archive, wheel = build(here / "dist")
        look_into_wheel(wheel)
        sources = unpack(archive, here / "sources")
        env = environment(here / "home")
        install_as_the_readme_says(sources, env)
        shutil.move(sources / ".venv" / "share" / "man", here / "man")
        for each in ("chatterm", "themes", "config.example.toml"):
            path = sources / each
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        use(sources / ".venv" / "bin" / "chatterm", here / "home", env)
        assert (here / "man" / "man1" / "chatterm.1").exists()
    print("installed from the source archive, and used without the sources")


def build(into: Path) -> tuple[Path, Path]:
    """The source archive, and the wheel that is made of it."""
    run([sys.executable, "-m", "build", "--outdir", str(into), str(ROOT)], ROOT, dict(os.environ))
    (archive,), (wheel,) = into.glob("*.tar.gz"), into.glob("*.whl")
    return archive, wheel


def look_into_wheel(wheel: Path) -> None:
    """All modules and their data are there, and nothing else."""
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {
        str(each.relative_to(ROOT)) for each in (ROOT / "chatterm").rglob("*.py") if each.is_file()
    }
    own = {name for name in names if ".dist-info/" not in name and ".data/" not in name}
    assert own == modules | DATA, f"unexpected or missing: {sorted(own ^ (modules | DATA))}"
    shared = [name.partition(".data/data/")[2] for name in names if ".data/" in name]
    assert shared == ["share/man/man1/chatterm.1"], shared


def unpack(archive: Path, into: Path) -> Path:
    """The unpacked source archive, which has what it should."""
    with tarfile.open(archive) as tar:
        tar.extractall(into, filter="data")
    (sources,) = into.iterdir()
    there = {each.name for each in sources.iterdir()}
    assert there == SHIPPED, f"unexpected or missing: {sorted(there ^ SHIPPED)}"
    stray = [each for each in sources.rglob("*") if each.suffix == ".pyc" or "cache" in each.name]
    assert not [each for each in stray if each.is_dir() or each.suffix == ".pyc"], stray
    return sources


def environment(home: Path) -> dict[str, str]:
    """That of somebody who has nothing yet."""
    home.mkdir()
    path = os.pathsep.join(
        part for part in os.environ["PATH"].split(os.pathsep) if str(ROOT) not in part
    )
    return {"HOME": str(home), "PATH": path, "TERM": "xterm-256color", "LANG": "C.UTF-8"} | PIP


def install_as_the_readme_says(sources: Path, env: dict[str, str]) -> None:
    """The README's first line of shell: it ends in the app, which says that the demo plays."""
    readme = (sources / "README.md").read_text("utf-8")
    line = next(iter(re.findall(r"```sh\n(.*?)\n```", readme, re.DOTALL)))
    assert line.endswith(".venv/bin/chatterm"), line
    with Terminal(["bash", "-c", line], env, sources, columns=100, rows=32) as terminal:
        terminal.read_until("demo", seconds=400)
        terminal.read_for(2)
        for _ in range(8):  # of the demo, of the setup that comes then, of the program: twice
            terminal.type("\x03")
            if terminal.ends(seconds=1.2):
                break
        status = terminal.wait(seconds=30)
    assert status == 0, f"the README's line ended with {status}"


def use(program: Path, home: Path, env: dict[str, str]) -> None:
    """What is installed works, themes, prices and examples included."""
    told = run([str(program), "--version"], home, env)
    assert told.startswith("chatterm "), told
    answer = run([str(program), "ask", "-m", "demo", "hello"], home, env)
    assert answer.strip(), "the demo said nothing"
    (row,) = run([str(program), "history", "list", "--json"], home, env).splitlines()
    kept = json.loads(row)["id"]
    page = run([str(program), "history", "export", kept, "--format", "html"], home, env)
    assert "<html" in page
    assert "openai" in run([str(program), "providers"], home, env)
    report = json.loads(run([str(program), "doctor", "--json"], home, env))
    assert report, "doctor said nothing"
    written = run([str(program), "config", "init"], home, env)
    assert "config.toml" in written, written
    run([str(program), "config", "check"], home, env)
    judged = run([str(program), "permissions", "check", "--", "git log"], home, env)
    assert judged.strip()


def run(command: list[str], where: Path, env: dict[str, str]) -> str:
    """What a command prints; both of its outputs together."""
    done = subprocess.run(
        command, cwd=where, env=env, capture_output=True, text=True, check=False, timeout=300
    )
    said = done.stdout + done.stderr
    if done.returncode and command[1:3] != ["permissions", "check"]:
        raise SystemExit(f"{command} ended with {done.returncode}:\n{said}")
    return said if "--json" not in command else done.stdout


if __name__ == "__main__":
    main()
