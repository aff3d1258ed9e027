"""The works as GraphQL documents of our own schema, and their answers in the form that peers are compared in."""

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

from bench.works import Facts

_LINES: Final = "lines { description quantity unitPrice amount }"

DOCUMENTS: Final[Mapping[str, str]] = {
    "list": f"""
        {{ invoices(first: 20, orderBy: [ISSUE_DATE_DESC]) {{
            nodes {{ number issueDate total status client {{ name }} {_LINES} }}
        }} }}
    """,
    "point": f"""
        query Point($id: ID!) {{ invoice(id: $id) {{
            number issueDate total status client {{ name }} {_LINES}
        }} }}
    """,
    "tree": """
        { clients(first: 50, orderBy: [NAME_ASC]) { nodes {
            name
            invoices(first: 20, orderBy: [ISSUE_DATE_DESC]) { nodes { number total lines { description amount } } }
        } } }
    """,
    "report": """
        { invoiceGroups(by: [ISSUE_DATE_MONTH, STATUS], orderBy: [ISSUE_DATE_MONTH_ASC, STATUS_ASC], first: 1000) {
            key { issueDateMonth status } count total { sum }
        } }
    """,
    "overdue": """
        query Overdue($client: ID!) { invoices(
            first: 20, filter: { clientId: { eq: $client }, isOverdue: { eq: true } }, orderBy: [BALANCE_ASC]
        ) { nodes { number dueDate balance } } }
    """,
    "page50": """
        query Page($after: String!) { invoices(first: 20, orderBy: [ISSUE_DATE_DESC], after: $after) {
            nodes { number issueDate total }
        } }
    """,
}


def document(work: str) -> str:
    """Its text on one line."""
    return " ".join(DOCUMENTS[work].split())


def variables(work: str, tenant: Facts, number: int) -> dict[str, str]:
    """What the document of the work is asked with."""
    if work == "point":
        return {"id": tenant.invoice_ids[number % len(tenant.invoice_ids)]}
    if work == "overdue":
        return {"client": tenant.client_id}
    if work == "page50":
        place = ["Invoice,ISSUE_DATE_DESC", tenant.page49_issue_date, tenant.page49_id]
        return {"after": base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")}
    return {}


def normal(work: str, answer: Any) -> Any:
    """The answer's data in the form that all peers are compared in."""
    if work == "point":
        return _invoice(answer["invoice"])
    if work == "tree":
        return [
            {"name": client["name"], "invoices": client["invoices"]["nodes"]} for client in answer["clients"]["nodes"]
        ]
    if work == "report":
        groups = [
            {
                "month": group["key"]["issueDateMonth"],
                "status": group["key"]["status"],
                "count": group["count"],
                "sum": group["total"]["sum"],
            }
            for group in answer["invoiceGroups"]
        ]
        return sorted(groups, key=lambda group: (group["month"], group["status"]))
    nodes = answer["invoices"]["nodes"]
    return [_invoice(node) for node in nodes] if work == "list" else nodes


def _invoice(node: dict[str, Any]) -> dict[str, Any]:
    lines = [{**line, "quantity": _plain(line["quantity"])} for line in node["lines"]]
    return {**node, "lines": lines}


def _plain(number: str) -> str:
    """A decimal without zeros that say nothing."""
    return number.rstrip("0").rstrip(".") if "." in number else number
