"""The demo: two organisations with their people, clients and eighteen months of invoices. Two, so that one can see that
neither sees the other."""

from gql.demo.making import PASSWORD, Maker, count_steps, is_made, make
from gql.demo.studio import STUDIO
from gql.demo.wholesaler import WHOLESALER

ORGANISATIONS = (STUDIO, WHOLESALER)

__all__ = ["ORGANISATIONS", "PASSWORD", "STUDIO", "WHOLESALER", "Maker", "count_steps", "is_made", "make"]
