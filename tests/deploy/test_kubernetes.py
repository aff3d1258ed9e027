"""deploy/kubernetes: as Kubernetes has it, by its own schemas, and as one part expects the other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.deploy.files import BIN, DEPLOY, USER, is_a_setting, judged, read_all, read_yaml, replaced

KUBERNETES: Final = ("1.33", "1.37")
MANIFESTS: Final = sorted(path.name for path in (DEPLOY / "kubernetes").glob("*.yaml"))


def manifests() -> Iterator[tuple[str, Any]]:
    for name in MANIFESTS:
        if name != "kustomization.yaml":
            yield from ((name, each) for each in read_all(f"kubernetes/{name}"))


def pods() -> Iterator[tuple[str, Any]]:
    for _, each in manifests():
        if each["kind"] in ("Deployment", "Job"):
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]


@pytest.mark.parametrize("version", KUBERNETES)
def test_every_manifest_is_as_kubernetes_has_it(version: str, tmp_path: Path) -> None:
    program = (BIN / "kubernetes-validate", "--strict", "--quiet", "--kubernetes-version", version)
    files = [DEPLOY / "kubernetes" / name for name in MANIFESTS if name != "kustomization.yaml"]
    assert judged(*program, *files) == ""
    wrong = tmp_path / "server.yaml"
    text = (DEPLOY / "kubernetes/server.yaml").read_text()
    wrong.write_text(replaced(text, {"terminationGracePeriodSeconds:": "terminationGracePeriod:"}))
    assert "terminationGracePeriod" in judged(*program, wrong)


def test_kustomize_is_told_of_all_of_them_but_the_example_of_secrets() -> None:
    told = read_yaml("kubernetes/kustomization.yaml")
    assert sorted(told["resources"]) == sorted(set(MANIFESTS) - {"kustomization.yaml", "secrets.example.yaml"})
    for _, each in manifests():
        if each["kind"] != "Namespace":
            assert each["metadata"]["namespace"] == told["namespace"]


@pytest.mark.parametrize(("name", "pod"), list(pods()), ids=lambda each: each if isinstance(each, str) else "")
def test_a_pod_is_as_restricted_as_the_standard_of_that_name(name: str, pod: Any) -> None:
    assert pod["automountServiceAccountToken"] is False
    context = pod["securityContext"]
    assert (context["runAsNonRoot"], context["runAsUser"]) == (True, USER)
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]


def test_the_example_of_secrets_has_all_of_them_and_no_value() -> None:
    given = {each["metadata"]["name"]: each["stringData"] for each in read_all("kubernetes/secrets.example.yaml")}
    assert not any(value for secret in given.values() for value in secret.values())
    shared = next(each for _, each in manifests() if each["kind"] == "ConfigMap")["data"]
    for name, pod in pods():
        [volume] = pod["volumes"]
        there = given[volume["secret"]["secretName"]]
        [container] = pod["containers"]
        env = shared | {each["name"]: each["value"] for each in container["env"]}
        files = {Path(value).name for value in env.values() if value.startswith("/run/secrets/")}
        assert files == set(there), f"{name} reads {files}"
        assert all(map(is_a_setting, env))


def test_selectors_meet_the_pods_that_they_mean() -> None:
    found: dict[str, Any] = {}
    for _, each in manifests():
        found.setdefault(each["kind"], {})[each["metadata"]["name"]] = each.get("spec")
    for name, deployment in found["Deployment"].items():
        labels = deployment["template"]["metadata"]["labels"]
        assert deployment["selector"]["matchLabels"] == labels
        assert found["PodDisruptionBudget"][name]["selector"]["matchLabels"] == labels
        assert found["PodDisruptionBudget"][name]["minAvailable"] < deployment["replicas"]
        assert found["NetworkPolicy"][name]["podSelector"]["matchLabels"] == labels
    assert found["Service"]["server"]["selector"] == found["Deployment"]["server"]["selector"]["matchLabels"]
    assert found["HorizontalPodAutoscaler"]["server"]["minReplicas"] >= 2
    [rule] = found["Ingress"]["countinghouse"]["rules"]
    backends = [path["backend"]["service"] for path in rule["http"]["paths"]]
    assert all(backend == {"name": "server", "port": {"name": "http"}} for backend in backends)
    assert [tls["hosts"] for tls in found["Ingress"]["countinghouse"]["tls"]] == [[rule["host"]]]
    assert found["NetworkPolicy"]["nobody"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
