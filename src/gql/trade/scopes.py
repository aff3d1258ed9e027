"""What a vendor and a retailer see of trade, as the policies say it too."""

from typing import Final

OF_BOTH: Final = {"vendor": "vendor_id", "retailer": "retailer_id"}
"""What a retailer and a vendor have with one another: each sees their own."""
OF_THE_VENDOR: Final = {"vendor": "vendor_id", "retailer": "{row}.vendor_is_approved"}
"""What a vendor offers: retailers see it while the vendor is approved."""
VENDORS: Final = {"vendor": "id", "retailer": "{row}.is_approved"}
RETAILERS: Final = {"retailer": "id"}
RETAILERS_ROWS: Final = {"retailer": "retailer_id"}
"""What is of a retailer alone: no vendor sees it."""
OF_NOBODY: Final[dict[str, str]] = {}
"""What only those see who see all."""
