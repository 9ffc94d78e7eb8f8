"""The emulator as its users hold it."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any

from .app_state import AppState
from .bodies import task_body
from .callbacks import Delivery
from .clock import Clock
from .options import Options
from .routes import response
from .server import Server
from .tasks import Create, Task
from .wire import Request


class Emulator:
    """A Seedance provider on this machine, over real HTTP.

    Args:
        host: a loopback address; anything else is refused with ValueError.
        port: 0 picks a free one. A stopped emulator starts again on the port it had.
        real_time: False freezes the clock; only `clock.advance()` moves it then.
        settings: any field of `Options`, for instance `queue_seconds`, `run_seconds`, `api_keys`, `render`.

    Use it as a context manager, or call `start()` and `stop()`.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, *, real_time: bool = True, **settings: Any) -> None:
        self._host = host
        self._port = port
        self._app = AppState(
            Options().changed(**settings), real_time, lambda app, task: task_body(app, task, app.clock.now())
        )
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Emulator:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen and serve in the background; returns at once."""
        if self._server is not None:
            raise RuntimeError("the emulator is running already")
        server = Server(self._host, self._port, lambda request: response(self._app, request), self._app.clock.now)
        self._server = server
        self._port = server.server_port
        self._app.url = self.url
        self._app.start()
        self._thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="seedance-emulator", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Drop every connection and stop listening. What was received and made can still be asked for."""
        if self._server is None:
            return
        self._server.stop()
        self._app.stop()
        if self._thread is not None:
            self._thread.join(timeout=1)
        self._server = self._thread = None

    # -- addresses ---------------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def ark_url(self) -> str:
        """Base address of the Ark dialect."""
        return f"{self.url}/api/v3"

    @property
    def volc_url(self) -> str:
        """Base address of the Ark dialect in CometAPI's flavour."""
        return f"{self.url}/volc/v3"

    @property
    def videos_url(self) -> str:
        """Base address of the unified dialect; creates go to `/videos` below it."""
        return f"{self.url}/v1"

    # -- what it knows -----------------------------------------------------------------------------------------------

    @property
    def clock(self) -> Clock:
        return self._app.clock

    @property
    def requests(self) -> list[Request]:
        """Everything received, oldest first, refused or not; control routes do not count."""
        return list(self._app.requests)

    @property
    def creates(self) -> list[Create]:
        """The ledger: every accepted create in order, each of which a real provider would bill."""
        return list(self._app.store.creates)

    @property
    def tasks(self) -> dict[str, Task]:
        """Tasks by id, brought up to the present moment; deleted ones are gone."""
        self._app.scheduler.catch_up()
        return dict(self._app.store.tasks)

    @property
    def callbacks(self) -> list[Delivery]:
        """Every attempt to push a callback, oldest first."""
        return list(self._app.callbacks.deliveries)

    # -- what it can be told -----------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Forget tasks, requests, faults and ledger; settings and clock as they were at first."""
        self._app.reset()

    def configure(self, **settings: Any) -> None:
        """Change settings until the next reset. TypeError for an unknown name."""
        self._app.configure(**settings)

    def finish(self, id: str | None = None) -> None:
        """Bring one task, or all unfinished ones, to `succeeded` now. KeyError for an unknown id."""
        self._app.store.finish(id)

    def fail(self, id: str | None = None, code: str = "InternalServiceError", message: str = "") -> None:
        """Bring one task, or all unfinished ones, to `failed` now. KeyError for an unknown id."""
        self._app.store.fail(id, code, message)

    def set_status(self, id: str, status: str) -> None:
        """Show any word as a task's status; nothing more happens to it by itself. KeyError for an unknown id."""
        self._app.store.set_status(id, status)

    def fail_next(
        self,
        status: int,
        on: str = "create",
        *,
        code: str | None = None,
        message: str | None = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
        times: int | None = 1,
        acted: bool = False,
    ) -> None:
        """Answer the next requests of an operation with an error of one's own.

        Args:
            on: `create`, `get`, `list`, `delete` or `download`.
            body: text or bytes sent as they are, or JSON data; default is an Ark error with `code` and `message`.
            times: how often; None for ever.
            acted: carry the request out all the same, and only response falsely.
        """
        options = {"status": status, "code": code, "message": message, "body": body, "headers": headers, "acted": acted}
        self._app.faults.fail_next(on, times, options)

    def fault(
        self,
        name: str,
        on: str | tuple[str, ...] | None = None,
        times: int | None = 1,
        task_id: str = "",
        **options: Any,
    ) -> None:
        """Arm a named fault; `docs/emulator.md` lists them. ValueError for an unknown name or operation."""
        self._app.arm(name, on, times, task_id, **options)

    def wait_for_callbacks(self, seconds: float = 5.0) -> bool:
        """Wait until every callback that is due has been delivered or given up; False if that took too long."""
        self._app.scheduler.catch_up()
        return self._app.callbacks.wait_idle(seconds)
