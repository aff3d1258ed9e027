"""The demo of trade: a distributor with vendors, retailers on credit, products with stock, and a year of orders."""

from gql.demo.trade.distributor import DISTRIBUTOR
from gql.demo.trade.making import count_steps, make_year

__all__ = ["DISTRIBUTOR", "count_steps", "make_year"]
