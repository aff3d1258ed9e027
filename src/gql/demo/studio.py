"""Lark & Finch: a design studio in London with clients in three currencies and a fiscal year that begins in April."""

from decimal import Decimal
from typing import Any, Final

from gql.demo.model import Article, Customer, Organisation, Person

VAT: Final = Decimal(20)


def _client(
    key: str,
    name: str,
    city: str,
    country: str = "GB",
    currency: str = "GBP",
    terms: str = "NET_30",
    *,
    contacts: tuple[tuple[str, str], ...],
    notes: tuple[tuple[str, str], ...] = (),
    weight: int = 2,
    **more: Any,
) -> Customer:
    facts = {"city": city, "country": country, "currency": currency, "paymentTerms": terms, **more}
    facts = {"email": f"accounts@{key}.example", "website": f"https://{key}.example", **facts}
    return Customer(f"demo:{key}", name, facts, contacts, notes, weight)


def _days(description: str, price: int, most: int) -> Article:
    return Article(description, Decimal(price), VAT, Decimal("0.5"), Decimal(most), Decimal("0.5"))


def _piece(description: str, price: str, most: int = 1) -> Article:
    return Article(description, Decimal(price), VAT, Decimal(1), Decimal(most))


STUDIO: Final = Organisation(
    slug="lark-and-finch",
    name="Lark & Finch Design",
    profile={
        "email": "studio@larkandfinch.example",
        "phone": "+44 20 7946 0118",
        "address": "Unit 4, 31 Calvert Avenue",
        "city": "London",
        "zip_code": "E2 7JP",
        "country": "GB",
        "tax_id": "GB 999 9999 73",
        "currency": "GBP",
        "time_zone": "Europe/London",
        "fiscal_year_start": 4,
    },
    people=(
        Person("Maya Lark", "maya@larkandfinch.example", "owner"),
        Person("Tom Adeyemi", "tom@larkandfinch.example", "accountant"),
        Person("Ines Costa", "ines@larkandfinch.example", "viewer"),
        Person("Ruth Calder", "ruth@harbour-books.example", "member", "demo:harbour-books"),
        Person("Priya Raman", "priya@ledgerline.example", "accountant"),
    ),
    customers=(
        _client(
            "harbour-books", "Harbour Books", "Whitstable", zipCode="CT5 1AB",
            contacts=(("Ruth Calder", "Owner"), ("Sam Whitby", "Shop manager")),
            notes=(
                ("GENERAL", "Prefers to talk on the phone; the shop is closed on Mondays."),
                ("FOLLOW_UP", "Wants a quote for the children's corner before the spring fair."),
            ),
            weight=3,
        ),
        _client(
            "northmoor", "Northmoor Brewing Co", "Sheffield", terms="NET_15",
            contacts=(("Dan Ibbotson", "Head of marketing"), ("Aisha Rahman", "Finance")),
            notes=(("COMPLIMENT", "The winter labels won a silver at the trade awards; Dan sent a crate."),),
            weight=4,
        ),
        _client(
            "tidewater-trust", "Tidewater Heritage Trust", "Bristol", terms="NET_60", taxId="GB 999 1234 55",
            contacts=(("Eleanor Pryce", "Director"),),
            notes=(("ISSUE", "Needs a purchase order number on every invoice, or finance sends it back."),),
        ),
        _client(
            "brightside-dental", "Brightside Dental", "Leeds",
            contacts=(("Dr Omar Haddad", "Partner"), ("Kelly Marsh", "Practice manager")),
        ),
        _client(
            "cedar-row", "Cedar Row Architects", "London", weight=3,
            contacts=(("Hannah Voss", "Partner"), ("Luca Moretti", "Associate")),
            notes=(("GENERAL", "Same building, second floor. Drawings come as DWG, ask for PDF."),),
        ),
        _client("oat-and-ember", "Oat & Ember Bakery", "Brighton", terms="DUE_ON_RECEIPT",
                contacts=(("Fergus Boyle", "Baker and owner"),)),
        _client(
            "velocity-bikes", "Velocity Bike Works", "Cambridge",
            contacts=(("Joanna Kerr", "Founder"), ("Imran Shah", "Web shop")),
            notes=(("FOLLOW_UP", "Relaunch of the web shop is planned for the autumn."),),
        ),
        _client("st-brannocks", "St Brannock's School", "Exeter", terms="NET_60",
                contacts=(("Margaret Lyle", "Bursar"),)),
        _client(
            "atelier-roux", "Atelier Roux", "Lyon", "FR", "EUR", weight=3,
            contacts=(("Camille Roux", "Directrice"), ("Théo Girard", "Comptabilité")),
            notes=(("GENERAL", "Écrire en français si possible."),),
        ),
        _client("nordlys", "Nordlys Museum", "Tromsø", "NO", "EUR", "NET_60",
                contacts=(("Ingrid Åsen", "Exhibitions"),)),
        _client(
            "halden-optik", "Halden Optik GmbH", "Freiburg", "DE", "EUR",
            contacts=(("Jürgen Halden", "Geschäftsführer"), ("Petra Lang", "Einkauf")),
        ),
        _client(
            "blue-mesa", "Blue Mesa Coffee Roasters", "Santa Fe", "US", "USD", state="NM",
            contacts=(("Carlos Ortega", "Co-founder"), ("Beth Lindqvist", "Operations")),
            notes=(("ISSUE", "Pays by wire; the bank takes a fee, so the last one came in 15 dollars short."),),
        ),
        _client("parcel-nine", "Parcel Nine Logistics", "Manchester", weight=3,
                contacts=(("Nadia Hussain", "Brand lead"), ("Greg Foley", "Procurement"))),
        _client("lumen-yoga", "Lumen Yoga", "London", terms="DUE_ON_RECEIPT", weight=1,
                contacts=(("Sophie Tran", "Owner"),)),
        _client(
            "kestrel-games", "Kestrel Games", "Dundee",
            contacts=(("Rory MacLeod", "Producer"), ("Mei Chen", "Art director")),
            notes=(("COMPLIMENT", "Mei recommended us to two other studios."),),
        ),
        _client("greenway-council", "Greenway Borough Council", "Greenway", terms="NET_90",
                contacts=(("Patricia Owusu", "Communications"), ("Neil Barrow", "Accounts payable"))),
        _client("quill-and-page", "Quill & Page Stationers", "Edinburgh", weight=1,
                contacts=(("Isla Drummond", "Buyer"),)),
        _client("fjord-audio", "Fjord Audio", "Portland", "US", "USD", state="OR",
                contacts=(("Erik Nyberg", "CEO"), ("Dana Cole", "Marketing"))),
    ),
    articles=(
        _days("Brand strategy workshop, days", 950, 3),
        _days("Visual identity design, days", 720, 9),
        _days("Web design, days", 680, 10),
        _days("Front-end development, days", 640, 12),
        _days("Packaging design, days", 700, 6),
        _days("Illustration, days", 560, 5),
        _days("Exhibition graphics, days", 690, 8),
        _days("Art direction on location, days", 820, 2),
        _piece("Monthly design retainer", "1450.00"),
        _piece("Hosting and maintenance, months", "85.00", 3),
        _piece("Type licence", "240.00", 4),
        _piece("Stock photography", "34.50", 12),
        _piece("Printed proofs", "18.75", 20),
        _piece("Courier within London", "22.40", 3),
    ),
    rates={"EUR": Decimal("1.16"), "USD": Decimal("1.28")},
)  # fmt: skip
