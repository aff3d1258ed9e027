"""What the benchmark asks, asked of the books: the same documents, about rows that never change."""

from collections.abc import Mapping
from typing import Final

from bench.documents import DOCUMENTS, document, variables
from bench.works import Facts
from tests.engine.ids import client_id, invoice_id

_FACTS: Final = Facts(
    tenant_id="",
    user_id="",
    role="",
    client_id=str(client_id(4)),
    invoice_ids=(str(invoice_id(1)),),
    page49_issue_date="2025-04-01",
    page49_id=str(invoice_id(16)),
)

WORKS: Final[Mapping[str, tuple[str, dict[str, str]]]] = {
    work: (document(work), variables(work, _FACTS, 0)) for work in DOCUMENTS
}
"""Document and variables by the name of the work."""
