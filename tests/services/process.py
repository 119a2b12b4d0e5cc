"""One process that a test started: its log, its death, and the signals a test may send to it."""

import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.services.waiting import wait_for


class Process:
    """A running program whose output goes to a file.

    It dies with the thread that started it, also when pytest itself is killed: no broker is ever left behind. So start
    it from the main thread.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self.log = log
        setpriv = shutil.which("setpriv")  # absent on a machine without util-linux: then only stop() ends it
        guard = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                [*guard, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        return self._popen.poll()

    def wait_until(self, ready: Callable[[], object], deadline: float, what: str) -> None:
        """Return when `ready()` is true; say what its log ends with when it dies before or takes too long."""

        def ready_or_dead() -> object:
            if self.returncode is not None:
                raise RuntimeError(f"{self.name} ended with {self.returncode} before {what}:\n{self.tail()}")
            return ready()

        try:
            wait_for(ready_or_dead, deadline, what, tolerate=(OSError,))
        except TimeoutError as error:
            raise TimeoutError(f"{error}; the log of {self.name} ends with:\n{self.tail()}") from error

    def signal(self, number: signal.Signals) -> None:
        self._popen.send_signal(number)

    def pause(self) -> None:
        """Stop it as a stalled machine would: it keeps its connections and answers nothing."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, without a chance to clean up."""
        self._popen.kill()
        self._popen.wait(10)

    def stop(self, deadline: float = 30) -> int:
        """Ask it to end, insist after `deadline` seconds, and return its exit status. Safe to call twice."""
        self.resume()
        self._popen.terminate()
        try:
            return self._popen.wait(deadline)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._popen.wait(10)

    def tail(self, lines: int = 30) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
