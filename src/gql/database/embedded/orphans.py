"""Server processes whose postmaster was killed.

Those that wait notice it and go; one in the middle of a statement goes on to its end, and until then its shared memory
keeps a new postmaster from starting. Nobody hears what it answers, and it cannot commit: so it need not be waited for.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

PATIENCE_SECONDS: Final = 1.0
"""For each of the two signals: PostgreSQL's own for leaving at once, and the system's."""


def end_orphans(cluster: Path, program: Path) -> None:
    """End every process of this cluster. Only for where it has no postmaster."""
    for number in (signal.SIGQUIT, signal.SIGKILL):
        give_up = time.monotonic() + PATIENCE_SECONDS
        while orphans := list(_processes(cluster, program)):
            for process_id in orphans:
                with suppress(ProcessLookupError):
                    os.kill(process_id, number)
            if time.monotonic() > give_up:
                break
            time.sleep(0.02)


def _processes(cluster: Path, program: Path) -> Iterator[int]:
    """Those that run the program in the cluster's directory: a shell may stand there as well. None where the system
    has no /proc."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is somebody else's
            if (process / "cwd").samefile(cluster) and (process / "exe").samefile(program):
                yield int(process.name)
