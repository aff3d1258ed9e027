"""Kiezkontor: a wholesaler of groceries in Berlin, with food and other goods at two tax rates."""

from decimal import Decimal
from typing import Any, Final

from gql.demo.model import Article, Customer, Organisation, Person

FOOD: Final = Decimal(7)
GOODS: Final = Decimal(19)


def _client(
    key: str,
    name: str,
    city: str,
    country: str = "DE",
    currency: str = "EUR",
    terms: str = "NET_15",
    *,
    contacts: tuple[tuple[str, str], ...],
    notes: tuple[tuple[str, str], ...] = (),
    weight: int = 3,
    **more: Any,
) -> Customer:
    facts = {"city": city, "country": country, "currency": currency, "paymentTerms": terms, **more}
    facts = {"email": f"einkauf@{key}.example", **facts}
    return Customer(f"demo:{key}", name, facts, contacts, notes, weight)


def _article(description: str, price: str, most: int, tax_rate: Decimal = FOOD, least: int = 2) -> Article:
    return Article(description, Decimal(price), tax_rate, Decimal(least), Decimal(most))


WHOLESALER: Final = Organisation(
    slug="kiezkontor",
    name="Kiezkontor Großhandel GmbH",
    profile={
        "email": "kontor@kiezkontor.example",
        "phone": "+49 30 2345 0190",
        "address": "Beusselstraße 44n",
        "city": "Berlin",
        "zip_code": "10553",
        "country": "DE",
        "tax_id": "DE999999999",
        "currency": "EUR",
        "time_zone": "Europe/Berlin",
        "fiscal_year_start": 1,
    },
    people=(
        Person("Jonas Weidmann", "jonas@kiezkontor.example", "owner"),
        Person("Selin Aydın", "selin@kiezkontor.example", "operator"),
        Person("Priya Raman", "priya@ledgerline.example", "accountant"),
    ),
    customers=(
        _client("cafe-morgenrot", "Café Morgenrot", "Berlin", weight=5,
                contacts=(("Lena Brandt", "Inhaberin"), ("Ali Kaya", "Küche")),
                notes=(("GENERAL", "Anlieferung nur vor 8 Uhr, Hofeinfahrt links."),)),
        _client("feinkost-lorenz", "Feinkost Lorenz", "Potsdam", weight=4,
                contacts=(("Gerd Lorenz", "Inhaber"),),
                notes=(("COMPLIMENT", "Lobt die neue Olivenölqualität."),)),
        _client("markthalle-ost", "Markthalle Ost eG", "Berlin", terms="NET_30", weight=6, taxId="DE888888888",
                contacts=(("Katrin Schubert", "Einkauf"), ("Mehmet Demir", "Lager"), ("Paula Ernst", "Buchhaltung"))),
        _client("bistro-zwei", "Bistro Zwei", "Berlin", contacts=(("Florian Haas", "Koch"),)),
        _client("hotel-spreeblick", "Hotel Spreeblick", "Berlin", terms="NET_30", weight=5,
                contacts=(("Anja Voigt", "Food and beverage"), ("Rolf Meissner", "Buchhaltung")),
                notes=(("ISSUE", "Zahlt oft erst nach der zweiten Erinnerung."),)),
        _client("kita-sonnenhof", "Kita Sonnenhof", "Bernau", weight=2, contacts=(("Birgit Kahl", "Leitung"),)),
        _client("dolce-vita", "Dolce Vita Ristorante", "Leipzig",
                contacts=(("Marco Bianchi", "Titolare"), ("Giulia Bianchi", "Amministrazione"))),
        _client("zum-anker", "Gasthaus Zum Anker", "Rostock", contacts=(("Uwe Petersen", "Wirt"),)),
        _client("greens-and-grains", "Greens & Grains", "Hamburg", terms="NET_30", weight=4,
                contacts=(("Nele Jansen", "Einkauf"), ("Tarek Mansour", "Filialleitung"))),
        _client("bioeck", "Bioeck am Park", "Dresden", contacts=(("Sabine Ullrich", "Inhaberin"),)),
        _client("kantine-nord", "Kantine Nord GmbH", "Berlin", terms="NET_60", weight=5,
                contacts=(("Holger Stein", "Betriebsleitung"),),
                notes=(("FOLLOW_UP", "Rahmenvertrag läuft im Herbst aus, vorher anrufen."),)),
        _client("teehaus-ming", "Teehaus Ming", "Berlin", weight=2, contacts=(("Wei Zhang", "Inhaber"),)),
        _client("smaczne", "Smaczne Delikatesy", "Szczecin", "PL", "PLN", "NET_30", weight=4,
                contacts=(("Agnieszka Nowak", "Zakupy"), ("Piotr Zieliński", "Księgowość"))),
        _client("u-kotvy", "Restaurace U Kotvy", "Praha", "CZ", "CZK", "NET_30",
                contacts=(("Tomáš Dvořák", "Majitel"),)),
        _client("alpenstube", "Alpenstube Zürich", "Zürich", "CH", "CHF", "NET_30",
                contacts=(("Urs Keller", "Küchenchef"), ("Monika Frei", "Einkauf")),
                notes=(("GENERAL", "Lieferung verzollt, Papiere zweifach."),)),
        _client("smorrebrod", "Smørrebrød & Co", "København", "DK", "DKK", "NET_30",
                contacts=(("Mette Sørensen", "Indkøb"),)),
        _client("backwerk-pankow", "Backwerk Pankow", "Berlin", weight=4,
                contacts=(("Thomas Ritter", "Bäckermeister"),)),
        _client("eisdiele-luna", "Eisdiele Luna", "Cottbus", weight=1, contacts=(("Chiara Russo", "Inhaberin"),)),
        _client("studierendenhaus", "Studierendenhaus Mensa", "Berlin", terms="NET_60", weight=4,
                contacts=(("Dr. Ute Fiedler", "Verwaltung"), ("Karim Benali", "Küche"))),
        _client("weinbar-traube", "Weinbar Traube", "Berlin", weight=2, contacts=(("Stefanie Wolf", "Sommelière"),)),
    ),
    articles=(
        _article("Kaffeebohnen Hausmischung, 1 kg", "14.90", 40),
        _article("Olivenöl nativ extra, Kanister 5 l", "42.50", 12),
        _article("Weizenmehl Type 550, Sack 25 kg", "17.80", 30),
        _article("Basmatireis, Sack 10 kg", "21.40", 16),
        _article("Passierte Tomaten, Karton 12 × 700 g", "13.20", 24),
        _article("Parmigiano Reggiano 24 Monate, kg", "18.75", 18),
        _article("Butter, Karton 40 × 250 g", "71.60", 8),
        _article("Zartbitterkuvertüre, 2,5 kg", "26.30", 14),
        _article("Assam Second Flush, 1 kg", "31.00", 6),
        _article("Haferdrink Barista, Karton 10 × 1 l", "15.50", 36),
        _article("Apfelsaft naturtrüb, Kasten 6 × 1 l", "9.80", 30, GOODS),
        _article("Riesling trocken, Karton 6 × 0,75 l", "38.40", 15, GOODS),
        _article("Servietten, Karton 1200 Stück", "24.90", 10, GOODS),
        _article("Spülmittel Konzentrat, 10 l", "19.95", 6, GOODS, 1),
        _article("Mehrwegkisten, Leihgebühr", "1.20", 40, GOODS, 4),
        _article("Lieferpauschale", "12.50", 1, GOODS, 1),
    ),
    rates={"PLN": Decimal("4.26"), "CZK": Decimal("24.80"), "CHF": Decimal("0.94"), "DKK": Decimal("7.46")},
    invoices=170,
)  # fmt: skip
