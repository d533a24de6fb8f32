"""Rules that change elsewhere while the app is open."""

from __future__ import annotations

from chatterm.config import config_path
from chatterm.permissions.rulewords import rule_of
from chatterm.permissions.saving import add_rule, remove_rule
from tui.app_driver import Place, place

__all__ = ["place"]

MAKES = """
call shell: {"command": "touch made.txt"}
round
text: That was it.
"""


async def test_the_next_call_is_judged_by_the_rules_of_now(place: Place) -> None:
    place.configure(MAKES)
    made, path = place.work / "made.txt", config_path().path
    touch = rule_of("shell:touch made.txt", "allow")
    add_rule(path, touch)
    async with place.app() as app:
        await app.ask("make it")
        assert made.exists()
        made.unlink()
        remove_rule(path, touch)
        await app.send("again")
        await app.until(lambda: app.chat.asking.open)
        app.chat.asking.forget_grace()
        await app.press("n")
        await app.idle()
        add_rule(path, rule_of("shell:touch made.txt", "deny"))
        await app.ask("and again")
        assert app.says("a rule denies it")
        path.write_text(path.read_text() + "[broken\n")
        await app.ask("once more")
        assert app.says("that were in force before stay")
        assert not made.exists()


async def test_a_projects_stricter_mode_is_told_and_counts(place: Place) -> None:
    place.configure(MAKES)
    (place.work / ".chatterm").mkdir()
    (place.work / ".chatterm" / "config.toml").write_text('[permissions]\nmode = "plan"\n')
    async with place.app(size=(120, 30)) as app:
        assert "plan (the project's)" in app.lines()[-1]
        await app.send("/mode accept-edits")
        await app.until(lambda: app.says("asks for plan, which is stricter"))
        await app.ask("make it")
        assert app.says("as the project asks")
        assert not (place.work / "made.txt").exists()
