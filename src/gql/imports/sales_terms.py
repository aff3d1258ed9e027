"""What stands for the online retailer's customers and articles in our words."""

from typing import Any, Final

from gql.imports.online_retail import Row

SOURCE: Final = "online-retail"
CURRENCY: Final = "GBP"
WALK_IN: Final = f"{SOURCE}:walk-in"

# As the file spells countries, with their ISO 3166 codes. It also has "Unspecified" and "European Community".
COUNTRIES: Final = {
    "Australia": "AU", "Austria": "AT", "Bahrain": "BH", "Belgium": "BE", "Brazil": "BR", "Canada": "CA",
    "Channel Islands": "JE", "Cyprus": "CY", "Czech Republic": "CZ", "Denmark": "DK", "EIRE": "IE", "Finland": "FI",
    "France": "FR", "Germany": "DE", "Greece": "GR", "Hong Kong": "HK", "Iceland": "IS", "Israel": "IL", "Italy": "IT",
    "Japan": "JP", "Lebanon": "LB", "Lithuania": "LT", "Malta": "MT", "Netherlands": "NL", "Norway": "NO",
    "Poland": "PL", "Portugal": "PT", "RSA": "ZA", "Saudi Arabia": "SA", "Singapore": "SG", "Spain": "ES",
    "Sweden": "SE", "Switzerland": "CH", "USA": "US", "United Arab Emirates": "AE", "United Kingdom": "GB",
}  # fmt: skip


def client_ref(row: Row) -> str:
    """The external reference of the client who bought."""
    return f"{SOURCE}:{row.customer_id}" if row.customer_id else WALK_IN


def as_client(row: Row) -> dict[str, Any]:
    """The client as the mutation clientsImport takes it."""
    if row.customer_id is None:
        return {
            "externalRef": WALK_IN,
            "name": "Walk-in customers",
            "currency": CURRENCY,
            "metadata": {"source": SOURCE},
        }
    client: dict[str, Any] = {
        "externalRef": client_ref(row),
        "name": f"Customer {row.customer_id}",
        "currency": CURRENCY,
        "metadata": {"source": SOURCE, "customerId": row.customer_id, "country": row.country},
    }
    if row.country in COUNTRIES:
        client["country"] = COUNTRIES[row.country]
    return client


def as_line(row: Row, quantity: int) -> dict[str, Any]:
    """So many of the article as a line of an invoice or a credit note."""
    return {
        "description": f"{row.stock_code} {row.description}".rstrip(),
        "quantity": str(quantity),
        "unitPrice": f"{row.unit_price:.2f}",
    }
