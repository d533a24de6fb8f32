"""What an empty conversation says of the model that is asked."""

from __future__ import annotations

from tui.app_driver import Place, place

__all__ = ["place"]


async def test_the_greeting_says_nothing_of_no_model_once_one_is_named(place: Place) -> None:
    async with place.app(model="s/x") as app:
        app.chat.on_change()
        assert app.says("Ask something")
        assert not app.says("No model is set up")
    place.configure("text: Hello.")
    place.config.write_text(place.config.read_text().replace('model = "s/x"\n', ""))
    async with place.app() as app:
        await app.send("/model demo/script")
        await app.until(lambda: app.says("No model is set up"))
        await app.send("/model s/x")
        await app.until(lambda: not app.says("No model is set up"))
        assert app.says("Ask something")
