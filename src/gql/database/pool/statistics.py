"""What a pool says of itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PoolStatistics:
    """How a pool stands (the first four) and what it has done since it began."""

    size: int
    idle: int
    waiting: int
    limit: int
    acquisitions: int = 0
    switches: int = 0
    direct: int = 0
    read: int = 0
    opened: int = 0
    lost: int = 0
    mended: int = 0
    silent: int = 0
    exhausted: int = 0
