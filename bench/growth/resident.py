"""The memory that processes have at this moment; `bench.measure` knows their peaks."""

from collections.abc import Iterable
from pathlib import Path

from bench.measure import with_descendants


def resident_megabytes(process_ids: Iterable[int], field: str = "VmRSS") -> float:
    """What these processes with their descendants hold. `RssAnon` is what no other process and no file shares."""
    kilobytes = 0
    for process_id in with_descendants(process_ids):
        try:
            lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))
    return kilobytes / 1000
