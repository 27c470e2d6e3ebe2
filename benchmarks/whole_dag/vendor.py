"""The simulated InterFAX, with an address in front of it that a deferrable HttpSensor can wait on."""

from __future__ import annotations

import json

from airflow_provider_faxto.simulator import Settings, Simulator, SimulatorServer

UNTIL_FINAL = "/until-final"


class UntilFinal:
    """``/until-final/...`` asks for ``...`` and answers 404 as long as the status in that answer is not final.

    :param app: the simulator's application.
    """

    def __init__(self, app) -> None:
        self._app = app

    async def __call__(self, scope, receive, send) -> None:
        if not scope["path"].startswith(UNTIL_FINAL):
            await self._app(scope, receive, send)
            return
        messages = []

        async def keep(message) -> None:
            messages.append(message)

        path = scope["path"].removeprefix(UNTIL_FINAL)
        await self._app({**scope, "path": path, "raw_path": path.encode()}, receive, keep)
        start, body = messages[0], b"".join(message.get("body", b"") for message in messages[1:])
        if start["status"] == 200 and json.loads(body)["status"] < 0:
            start = {**start, "status": 404}
        await send(start)
        await send({"type": "http.response.body", "body": body})


def serve() -> SimulatorServer:
    """Make the simulator's server, to be entered as a context.

    InterFAX's limit of 6 status requests a minute is off: an HttpSensor that asks every 5 s could not live with it.

    :return: the server.
    """
    simulator = Simulator(settings=Settings(interfax_status_limit=None, interfax_seconds_page=0.0))
    simulator.app = UntilFinal(simulator.app)
    return SimulatorServer(simulator)


def set_seconds(simulator: Simulator, seconds: float) -> None:
    """Let each fax from now on take so long.

    :param simulator: the simulator.
    :param seconds: from its acceptance to its end.
    """
    settings = simulator.settings()
    before = sum(settings[f"interfax_seconds_{state}"] for state in ("received", "rendering", "ready"))
    simulator.configure(interfax_seconds_call=seconds - before)
