"""`chatterm models`: lists that are kept, what is known of a model, a table on a terminal."""

from __future__ import annotations

import json
import stat
from typing import Any

import pytest

from chatterm.cli.models_output import Offered, table
from faultserver import Answer, FaultServer, unused_port
from program import COMMAND, Program
from terminals import Terminal

JSON = {"Content-Type": "application/json"}


def listing(*rows: dict[str, Any]) -> Answer:
    return Answer(json.dumps({"data": rows}).encode(), headers=JSON)


@pytest.fixture
def kept(program: Program):
    """The program with a data directory of its own; the file in which it keeps lists."""
    program.env["CHATTERM_DATA_DIR"] = str(program.home / "data")
    return program.home / "data" / "models.json"


def make_older(kept, seconds: float) -> None:
    data = json.loads(kept.read_text())
    for each in data["lists"].values():
        each["at"] -= seconds
    kept.write_text(json.dumps(data))


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_list_is_asked_for_once_a_day(program: Program, server: FaultServer, kept) -> None:
    server.script(listing({"id": "one"}), listing({"id": "two"}))
    program.provider(server.url)
    assert [program.run("models", "p").text for _ in range(2)] == ["p/one\n", "p/one\n"]
    assert len(server.requests) == 1
    make_older(kept, 25 * 3600)
    assert program.run("models", "p").text == "p/two\n"


def test_refresh_asks_anew(program: Program, server: FaultServer, kept) -> None:
    server.script(listing({"id": "one"}), listing({"id": "two"}))
    program.provider(server.url)
    program.run("models", "p")
    assert program.run("models", "p", "--refresh").text == "p/two\n"
    assert program.run("models", "p").text == "p/two\n"


def test_the_kept_lists_are_their_owners_alone(program: Program, server: FaultServer, kept) -> None:
    server.script(listing({"id": "one"}))
    program.provider(server.url)
    program.run("models", "p")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


def test_an_older_list_stands_in_for_a_server_that_cannot_be_reached(
    program: Program, kept
) -> None:
    with FaultServer() as server:
        server.script(listing({"id": "one"}))
        program.provider(server.url)
        program.run("models", "p")
    make_older(kept, 30 * 24 * 3600)
    done = program.run("models", "p")
    assert (done.status, done.text) == (0, "p/one\n")
    assert "is shown instead" in done.stderr


def test_no_list_stands_in_where_the_key_is_rejected(
    program: Program, server: FaultServer, kept
) -> None:
    server.script(listing({"id": "one"}), Answer(b"{}", status=401, headers=JSON))
    program.provider(server.url)
    program.run("models", "p")
    done = program.run("models", "p", "--refresh")
    assert (done.status, done.text) == (3, "")


def test_a_list_of_another_address_does_not_count(program: Program, kept) -> None:
    with FaultServer() as server:
        server.script(listing({"id": "one"}))
        program.provider(server.url)
        program.run("models", "p")
    program.provider(f"http://127.0.0.1:{unused_port()}")
    done = program.run("models", "p")
    assert (done.status, done.text) == (5, "")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format":1,"lists":{"p":7}}', "[" * 100_000])
def test_damaged_lists_are_asked_for_again(
    program: Program, server: FaultServer, kept, text: str
) -> None:
    server.script(listing({"id": "one"}))
    program.provider(server.url)
    kept.parent.mkdir()
    kept.write_text(text)
    assert program.run("models", "p").text == "p/one\n"
    assert json.loads(kept.read_text())["format"] == 1


def test_lists_that_cannot_be_kept_are_shown(program: Program, server: FaultServer, kept) -> None:
    server.script(listing({"id": "one"}))
    program.provider(server.url)
    kept.parent.write_text("a file where the directory should be")
    done = program.run("models", "p")
    assert (done.status, done.text, done.stderr) == (0, "p/one\n", "")


def test_all_ready_providers_are_listed_in_order(program: Program, server: FaultServer) -> None:
    server.script(lambda asked: listing({"id": asked.path.split("/")[1]}))
    program.configure(
        "".join(
            f'[providers.{name}]\nprotocol = "chat"\nbase_url = "{server.url}/{name}"\n'
            for name in ("b", "a")
        )
    )
    assert program.run("models").text == "b/b\na/a\n"


def test_what_is_not_known_is_null(program: Program, server: FaultServer) -> None:
    server.script(listing({"id": "gpt-5"}))
    program.provider(server.url)
    # A model of that name on this machine isn't the one that has a price.
    assert objects(program.run("models", "p", "--json").text) == [
        {
            "model": "p/gpt-5",
            "name": "",
            "context_window": None,
            "inputs": None,
            "input_usd_per_mtok": None,
            "output_usd_per_mtok": None,
            "priced_at": None,
        }
    ]


def test_what_the_price_list_knows_of_a_model(program: Program) -> None:
    program.configure(
        'model = "openai/gpt-5"\n[providers.openai]\n'
        f'models = ["gpt-5"]\nproxy = "http://127.0.0.1:{unused_port()}"\n'
    )
    done = program.run("models", "openai", "--json", env={"OPENAI_API_KEY": "sk-test"})
    (found,) = objects(done.text)
    assert (found["input_usd_per_mtok"], found["output_usd_per_mtok"]) == (1.25, 10.0)
    assert found["context_window"] == 400_000
    assert found["priced_at"][:2] == "20"


@pytest.mark.parametrize(
    ("row", "inputs"),
    [
        ({"architecture": {"input_modalities": ["text", "image", "file"]}}, "text image pdf"),
        ({"capabilities": {"vision": True}}, "text image"),
        ({"capabilities": {"vision": False}}, "text"),
        (
            {
                "capabilities": {
                    "image_input": {"supported": True},
                    "pdf_input": {"supported": True},
                }
            },
            "text image pdf",
        ),
        ({"capabilities": {"pdf_input": {"supported": False}}}, "text"),
    ],
)
def test_what_a_model_takes(
    program: Program, server: FaultServer, row: dict[str, Any], inputs: str
) -> None:
    server.script(listing({"id": "one"} | row))
    program.provider(server.url)
    for _ in range(2):  # as it was told, and as it was kept
        (found,) = objects(program.run("models", "p", "--json").text)
        assert found["inputs"] == inputs.split()


@pytest.mark.parametrize(
    "row",
    [{"architecture": 7}, {"architecture": {}}, {"capabilities": ["x"]}, {"capabilities": {}}],
)
def test_a_model_that_does_not_say_what_it_takes(
    program: Program, server: FaultServer, row: dict[str, Any]
) -> None:
    server.script(listing({"id": "one"} | row))
    program.provider(server.url)
    (found,) = objects(program.run("models", "p", "--json").text)
    assert found["inputs"] is None


def test_a_terminal_gets_a_table(program: Program, server: FaultServer) -> None:
    server.script(listing({"id": "one\x1b[31m", "context_length": 8192}))
    program.provider(server.url)
    with Terminal([*COMMAND, "models", "p"], program.env, program.home) as terminal:
        terminal.read_until("unknown")
        assert "context" in terminal.text
        assert "8,192" in terminal.text
        assert "\x1b[31m" not in terminal.text


ROWS = [
    Offered("p/large", "", 400_000, ("text", "image"), 1.25, 10.0, "2026-01-01"),
    Offered("p/unheard-of"),
]


def test_a_table_on_a_wide_screen() -> None:
    assert list(table(ROWS, 80)) == [
        "model         context  inputs       a million tokens",
        "p/large       400,000  text, image  $1.25 in, $10 out",
        "p/unheard-of  unknown  unknown      unknown",
    ]


def test_a_table_on_a_narrow_screen_keeps_the_names() -> None:
    assert list(table(ROWS, 45)) == [
        "model         context  a million tokens",
        "p/large       400,000  $1.25 in, $10 out",
        "p/unheard-of  unknown  unknown",
    ]
    assert list(table(ROWS, 5)) == ["model", "p/large", "p/unheard-of"]
