"""What a run costs: CPU seconds and memory of processes, as Linux counts them in /proc."""

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
# Places in /proc/PID/stat, counted from after the name, which may hold anything.
_PARENT, _USER, _SYSTEM, _USER_OF_ENDED, _SYSTEM_OF_ENDED = 1, 11, 12, 13, 14


def _stat(process_id: int) -> list[str] | None:
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def with_descendants(process_ids: Iterable[int]) -> list[int]:
    """These processes and all that they have started, and so on."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (found := _stat(int(entry))):
            children[int(found[_PARENT])].append(int(entry))
    family = list(process_ids)
    for process_id in family:
        family += children[process_id]
    return family


def cpu_seconds(process_ids: Sequence[int]) -> float:
    """The CPU time, so far, of these processes with their descendants, those that have ended included."""
    ticks = 0
    for process_id in with_descendants(process_ids):
        if found := _stat(process_id):
            ticks += sum(int(found[place]) for place in (_USER, _SYSTEM, _USER_OF_ENDED, _SYSTEM_OF_ENDED))
    return ticks / _TICKS


def peak_megabytes(process_ids: Sequence[int]) -> float:
    """The most memory that these processes with their descendants have had resident, each at its own peak."""
    kilobytes = 0
    for process_id in with_descendants(process_ids):
        try:
            lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return kilobytes / 1000


def proportional_megabytes(process_ids: Iterable[int]) -> float:
    """The proportional set size of these processes with their descendants: what they hold alone, and their share of
    what they hold together, such as PostgreSQL's buffers."""
    kilobytes = 0
    for process_id in with_descendants(process_ids):
        try:
            lines = Path(f"/proc/{process_id}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes / 1000
