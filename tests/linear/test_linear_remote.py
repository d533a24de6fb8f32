"""What the provider itself would run, or keeps, line by line."""

from __future__ import annotations

import pytest

from faultserver import FaultServer
from hostile import FORBIDDEN
from keptservers import KeptLightspeed
from linear.speaking import Place
from responses_server import Item, KeptResponses, approval, message, remote_call

ARGUMENTS = '{"what":  "nuts"}'
FIND = approval("shop", "find", ARGUMENTS)
FOUND = [remote_call("shop", "find", "3 boxes"), message("There are three.")]
HOSTILE = "\x1b[2J\x1b]0;owned\x07a\u202eb\u2066\nc\x9b31m"


def script(place: Place, server: FaultServer, *rounds: list[Item]) -> KeptResponses:
    kept = KeptResponses(rounds)
    server.script(kept)
    shop = '[{ type = "mcp", server_label = "shop", server_url = "https://x.test" }]'
    place.program.configure(
        f'model = "p/gpt-5"\n[titles]\nmodel = "off"\n[providers.p]\n'
        f'protocol = "responses"\nbase_url = "{server.url}"\nserver_state = true\n'
        f"body = {{ tools = {shop} }}\n"
    )
    return kept


def answered(kept: KeptResponses) -> list[tuple[bool, str]]:
    """The answers to what was to be approved in the last request, with their notes."""
    return [
        (item["approve"], item.get("reason", ""))
        for item in kept.asked[-1]["input"]
        if item.get("type") == "mcp_approval_response"
    ]


def test_a_yes_has_the_provider_run_it(place: Place, server: FaultServer) -> None:
    kept = script(place, server, [FIND], FOUND)
    with place.start() as ear:
        ear.says("go on")
        question = ear.asked("y")
        assert "permission: the provider wants to run a call\n" in question
        assert "the provider's server: shop\nis to run: find\n" in question
        assert f"arguments: {ARGUMENTS}\n" in question
        assert "no sandbox holds it" in " ".join(question.split())
        assert "edit it" not in question, "its arguments are the server's"
        ear.hears("There are three.")
        assert ear.quits() == 0
    assert answered(kept) == [(True, "")]


@pytest.mark.parametrize(("answer", "note"), [("n not today", "not today"), ("", "")])
def test_a_no_goes_back_with_its_note(
    place: Place, server: FaultServer, answer: str, note: str
) -> None:
    kept = script(place, server, [FIND], [message("Very well.")])
    with place.start() as ear:
        ear.says("go on")
        ear.asked(answer)
        ear.hears("Very well.")
        assert ear.quits() == 0
    assert answered(kept) == [(False, note)]


def test_several_are_told_whole_before_one_answer_counts_for_all(
    place: Place, server: FaultServer
) -> None:
    sell = approval("market", "sell", '{"command": "all of it", "at": "once"}')
    kept = script(place, server, [FIND, sell], FOUND)
    with place.start() as ear:
        ear.says("go on")
        ear.asked("r")
        told = ear.says("y", "yes to all of these? y or n, Enter is no: ")
        assert "the provider's server: market\nis to run: sell\n" in told
        assert 'arguments: {"command": "all of it", "at": "once"}\n' in told
        ear.hears("There are three.")
        assert ear.quits() == 0
    assert answered(kept) == [(True, ""), (True, "")]


def test_what_strangers_name_is_written_out(place: Place, server: FaultServer) -> None:
    kept = script(place, server, [approval(HOSTILE, HOSTILE, HOSTILE)], [message("So.")])
    with place.start() as ear:
        ear.says("go on")
        question = ear.asked("n")
        shown = "\\x1b[2J\\x1b]0;owned\\x07a\\u202eb\\u2066"
        assert f"the provider's server: {shown}\\nc\\x9b31m\nis to run: {shown}\\nc" in question
        assert f"arguments, 2 lines:\nline 1: {shown}\nline 2: c\\x9b31m\n" in question
        assert "in this session" not in question
        ear.hears("So.")
        assert ear.quits() == 0
        assert not (FORBIDDEN - {"\r", "\x08"}) & set(ear.seen.decode())
    assert answered(kept) == [(False, "")]


# --- conversations on a server ---


@pytest.fixture
def kept(place: Place, server: FaultServer) -> KeptLightspeed:
    place.program.configure(
        'model = "p/openai/gpt-4o-mini"\n[titles]\nmodel = "off"\n[providers.p]\n'
        f'protocol = "lightspeed"\nbase_url = "{server.url}"\nauth = "none"\n'
    )
    found = KeptLightspeed()
    server.script(found)
    return found


def test_a_conversation_of_the_server_is_fetched_and_gone_on_with(
    place: Place, kept: KeptLightspeed
) -> None:
    kept.hold("c1", "Failing pods", ("Which pods fail?", "One of them."))
    kept.hold("c2", f"{HOSTILE} nodes", ("Which nodes?", "None."))
    with place.start() as ear:
        ear.says("/server")
        listed = ear.says("2", "conversation, Enter is none: ")
        lines = [line for line in listed.splitlines() if line[:3] in {"1: ", "2: "}]
        assert "nodes" in lines[0]
        assert lines[1].startswith("2: Failing pods, ")
        ear.hears("Going on with: Failing pods\r\nyou: Which pods fail?\r\nassistant: One of")
        ear.says("And why?")
        ear.hears("assistant: answer 2")
        assert kept.asked[0]["conversation_id"] == "c1"
        ear.says("/server no such words")
        assert "There is no such conversation on p.\n" in ear.says("/quit")
        assert ear.wait() == 0
        assert ear.odd == set()


def test_a_conversation_is_renamed_on_the_server(place: Place, kept: KeptLightspeed) -> None:
    kept.hold("c1", "Failing pods", ("Which pods fail?", "One of them."))
    kept.hold("c2", "Nodes", ("Which nodes?", "None."))
    with place.start() as ear:
        ear.says("/server rename pods")
        assert "Nodes" not in ear.says("1", "conversation, Enter is none: ")
        ear.says("\x15The pods  that fail", "title there, empty leaves it: Failing pods")
        assert "title on p: The pods that fail\n" in ear.says("/server rename that")
        assert "1: The pods that fail, " in ear.says("1", "conversation, Enter is none: ")
        ear.says("\x15", "title there, empty leaves it: The pods that fail")
        assert "Its title is as it was.\n" in ear.says("/quit")
        assert ear.wait() == 0


def test_a_conversation_is_deleted_on_the_server_after_a_yes(
    place: Place, kept: KeptLightspeed
) -> None:
    kept.hold("c1", "Failing pods", ("Which pods fail?", "One of them."))
    with place.start() as ear:
        ear.says("/server delete")
        ear.says("1", "conversation, Enter is none: ")
        asked = ear.says("", "y or n, Enter is no: ")
        assert "It is deleted there for good; what was fetched of it stays here.\n" in asked
        assert "Delete Failing pods on p?" in asked
        assert "It stays.\n" in ear.says("/server delete pods")
        ear.says("1", "conversation, Enter is none: ")
        ear.says("y", "y or n, Enter is no: ")
        assert "It is deleted on p.\n" in ear.says("/server")
        assert "There is no such conversation on p.\n" in ear.says("/quit")
        assert ear.wait() == 0


def test_who_keeps_none_says_so(place: Place) -> None:
    with place.start() as ear:
        ear.says("/server")
        assert "error: s keeps no conversations that could be listed\n" in ear.says("/quit")
        assert ear.wait() == 0
