"""Whether traces are asked for, by the variables that OpenTelemetry has for it; read without any of its packages."""

from collections.abc import Mapping
from typing import Final

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
EXPORTER: Final = "OTEL_TRACES_EXPORTER"
PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
HTTP: Final = "http/protobuf"
PACKAGES_MISSING: Final = (
    "Traces are asked for by OTEL_…, and the packages for them are not here: pip install 'countinghouse[traces]'."
)


class NotTraceable(Exception):
    """Traces are asked for in a way that is not to be had; the text says why."""


def is_asked_for(environment: Mapping[str, str]) -> bool:
    """Raises NotTraceable for an exporter or a protocol that we do not have: whoever set it would look for traces
    where none come."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = environment.get(EXPORTER, "").strip().lower()
    if exporter not in ("", "otlp", "none"):
        raise NotTraceable(f"{EXPORTER} is {exporter!r}; only otlp and none are to be had here.")
    if exporter != "otlp" and (exporter == "none" or not any(environment.get(name) for name in ENDPOINTS)):
        return False
    protocol = next((environment[name] for name in PROTOCOLS if environment.get(name)), HTTP)
    if protocol != HTTP:
        raise NotTraceable(f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol!r}; only {HTTP} is to be had here.")
    return True
