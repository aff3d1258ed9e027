"""Trade: wholesale on credit. Vendors, retailers, their credit lines, products, orders and payments."""
