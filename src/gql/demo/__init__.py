"""The demo: two organisations with their people, clients and eighteen months of invoices, and one that trades, with a
year of orders. Several, so that one can see that none sees another."""

from gql.demo.making import PASSWORD, Maker, count_steps, is_made, make
from gql.demo.studio import STUDIO
from gql.demo.trade import DISTRIBUTOR
from gql.demo.wholesaler import WHOLESALER

INVOICERS = (STUDIO, WHOLESALER)
ORGANISATIONS = (*INVOICERS, DISTRIBUTOR)

__all__ = [
    "DISTRIBUTOR",
    "INVOICERS",
    "ORGANISATIONS",
    "PASSWORD",
    "STUDIO",
    "WHOLESALER",
    "Maker",
    "count_steps",
    "is_made",
    "make",
]
