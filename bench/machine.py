"""What a page of figures says about where they were taken."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Final

PACKAGES: Final = ("uvicorn", "uvloop", "asyncpg", "strawberry-graphql")


def machine() -> str:
    """Processor, cores, memory and kernel."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB; {platform.system()} {platform.release()}"


def versions(postgres: str) -> str:
    """PostgreSQL, Python and the packages that requests pass through."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"PostgreSQL {postgres}, Python {platform.python_version()}, {packages}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
