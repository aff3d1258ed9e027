"""The image and compose.yaml: as hadolint and the specification have them, and nobody is given more than they need. No
container engine is asked; test_image.py does what the image's steps do."""

import re
import shutil
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from gql.iam.keys.secrets import Secrets
from gql.iam.keys.signing import Keys
from gql.settings import PREFIX, Settings
from tests.deploy.files import BIN, DEPLOY, FROM_ELSEWHERE, ROOT, USER, judged, read_yaml, replaced

CONTAINERFILES: Final = ("container/Containerfile", "compose/pgbouncer.Containerfile")


@pytest.mark.parametrize("path", CONTAINERFILES)
def test_hadolint_has_nothing_to_say(path: str) -> None:
    assert judged(BIN / "hadolint", DEPLOY / path) == ""


def test_the_image_is_nobodys_and_has_no_secret_and_nothing_but_what_it_needs() -> None:
    text = (DEPLOY / "container/Containerfile").read_text()
    stages = text.split("\nFROM ")
    assert len(stages) == 3
    last = stages[-1]
    assert f"USER {USER}:{USER}" in last
    assert "STOPSIGNAL SIGTERM" in last
    assert "HEALTHCHECK" in last
    assert "RUN" not in last
    assert re.findall(r"^COPY (.*)$", last, re.MULTILINE) == ["--from=build /opt/countinghouse /opt/countinghouse"]
    assert "--require-hashes" in text
    assert not re.search(r"(?i)(password|secret|token)=|_URL=", text)


def test_only_what_is_copied_goes_to_the_builder() -> None:
    """.dockerignore leaves nothing out that the image is made of, and lets nothing else in."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}
    text = (DEPLOY / "container/Containerfile").read_text()
    copied = {name for names in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE) for name in names.split()}
    assert let_in == copied
    assert all((ROOT / name).exists() for name in let_in)


def test_compose_is_as_its_specification_has_it(tmp_path: Path) -> None:
    file, schema = DEPLOY / "compose/compose.yaml", ("--builtin-schema", "vendor.compose-spec")
    assert judged(BIN / "check-jsonschema", *schema, file) == ""
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(replaced(file.read_text(), {"read_only: true": "readonly: true"}))
    assert "readonly" in judged(BIN / "check-jsonschema", *schema, wrong)


@pytest.mark.parametrize("name", sorted(read_yaml("compose/compose.yaml")["services"]))
def test_a_service_of_compose_may_do_nothing_that_it_need_not(name: str) -> None:
    service = read_yaml("compose/compose.yaml")["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    if name == "postgres":
        assert set(service["cap_add"]) <= {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}
    else:
        assert service["user"] == f"{USER}:{USER}"
        assert "cap_add" not in service
    for port in service.get("ports", []):
        assert port.startswith("127.0.0.1:")
    for variable, value in service.get("environment", {}).items():
        assert "postgresql://" not in value, f"{variable} is a secret that stands in the environment"


def test_compose_names_what_there_is() -> None:
    compose = read_yaml("compose/compose.yaml")
    given = set(compose["secrets"])
    for service in compose["services"].values():
        used = {each if isinstance(each, str) else each["source"] for each in service.get("secrets", [])}
        assert used <= given
        assert set(service["networks"]) <= set(compose["networks"])
        assert set(service.get("depends_on", {})) <= set(compose["services"])
        in_files = {Path(path).name for path in service.get("environment", {}).values() if "/run/secrets/" in path}
        assert in_files <= used, "a file is named that the container does not have"
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("."):
                path = (DEPLOY / "compose" / source).resolve()
                assert path.exists() or str(path.relative_to(DEPLOY)) in FROM_ELSEWHERE
            else:
                assert source in compose["volumes"]
    assert compose["networks"]["database"] == compose["networks"]["pool"] == {"internal": True}


def settings_of(environment: dict[str, str], secrets: Path) -> Settings:
    """What the program makes of the environment of a container, with its secrets in this directory."""
    found = {name: value.replace("/run/secrets", str(secrets)) for name, value in environment.items()}
    ours = {name: re.sub(r"\$\{\w+:\?.*\}", "books@example.org", value) for name, value in found.items()}
    return Settings.from_environment({name: value for name, value in ours.items() if name.startswith(PREFIX)})


def test_the_secrets_that_are_made_are_those_that_compose_and_the_program_take(tmp_path: Path) -> None:
    script = tmp_path / "make-secrets.sh"
    shutil.copy(DEPLOY / "compose/make-secrets.sh", script)
    assert judged(script) == ""
    secrets = tmp_path / "secrets"
    compose = read_yaml("compose/compose.yaml")
    assert {Path(each["file"]).name for each in compose["secrets"].values()} <= {
        path.name for path in secrets.iterdir()
    }
    assert secrets.stat().st_mode & 0o777 == 0o700
    before = {path.name: path.read_bytes() for path in secrets.iterdir()}

    server = settings_of(compose["services"]["server"]["environment"], secrets)
    assert (server.environment, server.pool_mode) == ("production", "transaction")
    assert server.database_url is not None
    assert "@pgbouncer:6432/" in server.database_url
    assert server.signing_key_file == secrets / "signing_key.pem"
    assert Keys.from_settings(server).signing_id
    assert len(Secrets.from_settings(server).names) == 1
    worker = settings_of(compose["services"]["worker"]["environment"], secrets)
    assert worker.worker_url is not None
    assert "countinghouse_worker:" in worker.worker_url
    migrate = settings_of(compose["services"]["migrate"]["environment"], secrets)
    assert migrate.admin_url is not None
    assert migrate.admin_url.endswith("@postgres:5432/countinghouse")

    assert judged(script) == ""
    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == before, "what is there stays"


def test_yaml_has_no_key_twice() -> None:
    """PyYAML takes the last one and says nothing."""

    class Strict(yaml.SafeLoader):
        """Says so."""

    def mapping(loader: yaml.SafeLoader, node: yaml.MappingNode, deep: bool = False) -> Any:
        keys = [
            loader.construct_object(key, deep=True) for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"
        ]
        assert len(keys) == len(set(keys)), f"{node.start_mark}: {keys}"
        return yaml.SafeLoader.construct_mapping(loader, node, deep)

    Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    for path in sorted(DEPLOY.rglob("*.y*ml")):
        list(yaml.load_all(path.read_text(), Strict))
