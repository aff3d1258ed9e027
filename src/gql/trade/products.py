"""Products: what vendors sell."""

import strawberry
from strawberry import UNSET

from gql.engine.declare import column, noun, to_many
from gql.engine.inputs import described
from gql.engine.scalars import JSON, DateTime, Decimal
from gql.engine.verbs import Verb

TABLE = "trade.products"


@noun(
    table=TABLE,
    plural="products",
    permission="trade:read",
    default_order="NAME_ASC",
    search="trade.products_search",
)
class Product:
    product_code: str = column(filtered=True, ordered=True)
    name: str = column(key="name_key", filtered=True, ordered=True)
    hsn_code: str | None = column()
    barcode: str | None = column()
    category: str = column(filtered=True, grouped=True)
    sub_category: str = column()
    tax_rate: Decimal = column()
    is_active: bool = column(filtered=True)
    metadata: JSON = column(permission="trade:internal")
    created_at: DateTime = column(filtered=True, ordered=True)
    updated_at: DateTime = column()
    vendors = to_many("VendorProduct", "product_id")


@described(TABLE, "What can be said of a product.")
class ProductDetails:
    hsn_code: str | None = UNSET
    barcode: str | None = UNSET
    category: str | None = UNSET
    sub_category: str | None = UNSET
    tax_rate: Decimal | None = UNSET
    is_active: bool | None = UNSET
    metadata: JSON | None = UNSET


@described(TABLE, "What a new product needs.")
class ProductCreateInput(ProductDetails):
    product_code: str
    name: str


@described(TABLE, "What changes of a product. A field that is left out stays as it is.")
class ProductUpdateInput(ProductDetails):
    id: strawberry.ID
    product_code: str | None = UNSET
    name: str | None = UNSET


DECLARED = (
    Product,
    Verb("trade.product_create", ProductCreateInput, "Product", "trade:write"),
    Verb("trade.product_update", ProductUpdateInput, "Product", "trade:write"),
)
