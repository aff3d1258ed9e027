"""The ids of what stands in the books, by their numbers: documents name them."""

from uuid import UUID


def client_id(number: int) -> UUID:
    return UUID(f"c1000000-0000-4000-8000-{number:012}")


def invoice_id(number: int) -> UUID:
    return UUID(f"d1000000-0000-4000-8000-{number:012}")


def payment_id(number: int) -> UUID:
    return UUID(f"b1000000-0000-4000-8000-{number:012}")


def credit_note_id(number: int) -> UUID:
    return UUID(f"b2000000-0000-4000-8000-{number:012}")


def account_id(number: int) -> UUID:
    return UUID(f"ac000000-0000-4000-8000-{number:012}")


def transfer_id(number: int) -> UUID:
    return UUID(f"af000000-0000-4000-8000-{number:012}")


def vendor_id(number: int) -> UUID:
    return UUID(f"1a000000-0000-4000-8000-{number:012}")


def retailer_id(number: int) -> UUID:
    return UUID(f"1b000000-0000-4000-8000-{number:012}")


def credit_line_id(number: int) -> UUID:
    return UUID(f"1c000000-0000-4000-8000-{number:012}")


def product_id(number: int) -> UUID:
    return UUID(f"1d000000-0000-4000-8000-{number:012}")


def vendor_product_id(number: int) -> UUID:
    return UUID(f"1e000000-0000-4000-8000-{number:012}")


def credit_score_id(number: int) -> UUID:
    return UUID(f"15000000-0000-4000-8000-{number:012}")


def order_id(number: int) -> UUID:
    return UUID(f"2a000000-0000-4000-8000-{number:012}")


def order_item_id(number: int) -> UUID:
    return UUID(f"2b000000-0000-4000-8000-{number:012}")


def retailer_payment_id(number: int) -> UUID:
    return UUID(f"2d000000-0000-4000-8000-{number:012}")


def credit_entry_id(number: int) -> UUID:
    return UUID(f"2c000000-0000-4000-8000-{number:012}")
