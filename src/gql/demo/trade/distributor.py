"""Ziwa Kuu: a distributor in Kisumu that sells five vendors' goods to shops around the lake, on credit."""

from decimal import Decimal
from typing import Final

from gql.demo.model import Person
from gql.demo.trade.model import Distributor, Kind, Pack, Vendor

VAT: Final = Decimal(16)
FREE: Final = Decimal(0)


def _packs(*packs: tuple[str, str]) -> tuple[Pack, ...]:
    return tuple((label, Decimal(times)) for label, times in packs)


DRY: Final = _packs(
    ("bale 24 × 500 g", "11.4"), ("bale 12 × 1 kg", "11.5"), ("bale 12 × 2 kg", "22.8"), ("bag 5 kg", "4.9"),
    ("bag 10 kg", "9.7"), ("sack 25 kg", "24"), ("sack 50 kg", "47.5"), ("sack 90 kg", "84"),
)  # fmt: skip
LIQUID: Final = _packs(
    ("carton 24 × 250 ml", "6.6"), ("carton 24 × 300 ml", "7.5"), ("carton 24 × 500 ml", "12.2"),
    ("carton 12 × 1 l", "11.8"), ("carton 6 × 2 l", "11.4"), ("can 5 l", "4.8"), ("can 10 l", "9.4"),
    ("can 20 l", "18.4"),
)  # fmt: skip
PIECES: Final = _packs(
    ("6 pieces", "6"), ("dozen", "11.9"), ("24 pieces", "23.6"), ("36 pieces", "35"), ("48 pieces", "46.5"),
    ("72 pieces", "69"), ("carton of 100", "95"), ("carton of 144", "136"),
)  # fmt: skip


def _kind(name: str, hsn_code: str, price: str, packs: tuple[Pack, ...], tax_rate: Decimal = VAT) -> Kind:
    return Kind(name, hsn_code, tax_rate, Decimal(price), packs)


DISTRIBUTOR: Final = Distributor(
    slug="ziwa-kuu",
    name="Ziwa Kuu Distributors",
    profile={
        "email": "office@ziwakuu.example",
        "address": "Shed 7, Obote Road",
        "city": "Kisumu",
        "country": "KE",
        "currency": "KES",
        "time_zone": "Africa/Nairobi",
        "fiscal_year_start": 7,
    },
    people=(
        Person("Achieng Odera", "achieng@ziwakuu.example", "owner"),
        Person("Brian Wafula", "brian@ziwakuu.example", "operator"),
        Person("Njeri Kamau", "njeri@nyotamills.example", "vendor", "NYOTA"),
        Person("Otieno Were", "otieno@were-stores.example", "retailer", "R-0001"),
    ),
    vendors=(
        Vendor(
            "NYOTA", "Nyota Mills", "Njeri Kamau", "Mill Lane 3, Eldoret", "Grain and flour",
            ("Nyota", "Mavuno", "Shamba Bora", "Asili", "Mama Tegemeo"),
            (
                _kind("maize flour", "1102", "78", DRY, FREE),
                _kind("wheat flour", "1101", "92", DRY, FREE),
                _kind("brown chapati flour", "1101", "104", DRY, FREE),
                _kind("pishori rice", "1006", "188", DRY, FREE),
                _kind("long grain rice", "1006", "142", DRY, FREE),
                _kind("red beans", "0713", "156", DRY, FREE),
                _kind("green grams", "0713", "164", DRY, FREE),
                _kind("millet porridge", "1102", "136", DRY),
                _kind("rolled oats", "1104", "210", DRY),
                _kind("white sugar", "1701", "148", DRY),
            ),
        ),
        Vendor(
            "BAHARI", "Bahari Drinks", "Salim Mwinyi", "Kilindini Park, Mombasa", "Drinks",
            ("Bahari", "Pwani Fresh", "Zesta", "Mto", "Kipepeo"),
            (
                _kind("mango juice", "2009", "124", LIQUID),
                _kind("passion juice", "2009", "132", LIQUID),
                _kind("orange soda", "2202", "86", LIQUID),
                _kind("lemon soda", "2202", "86", LIQUID),
                _kind("cola", "2202", "90", LIQUID),
                _kind("ginger ale", "2202", "94", LIQUID),
                _kind("tonic water", "2202", "98", LIQUID),
                _kind("spring water", "2201", "42", LIQUID),
                _kind("sparkling water", "2201", "58", LIQUID),
                _kind("malt drink", "2202", "110", LIQUID),
            ),
        ),
        Vendor(
            "MALAIKA", "Malaika Home Care", "Faith Chebet", "Industrial Area 12, Nakuru", "Household",
            ("Malaika", "Safi", "Weupe", "Nuru", "Fua"),
            (
                _kind("bar soap", "3401", "42", PIECES),
                _kind("bath soap", "3401", "58", PIECES),
                _kind("washing powder", "3402", "64", PIECES),
                _kind("dish liquid", "3402", "88", PIECES),
                _kind("bleach", "2828", "72", PIECES),
                _kind("toothpaste", "3306", "96", PIECES),
                _kind("toilet paper", "4818", "32", PIECES),
                _kind("petroleum jelly", "2712", "74", PIECES),
                _kind("steel wool", "7323", "18", PIECES),
                _kind("floor polish", "3405", "145", PIECES),
            ),
        ),
        Vendor(
            "KILIMA", "Kilima Creamery and Oils", "Peter Kiptoo", "Station Road 40, Kericho", "Dairy and oils",
            ("Kilima", "Ng'ombe Mmoja", "Chungwa", "Mawingu", "Jikoni"),
            (
                _kind("long-life milk", "0401", "112", LIQUID, FREE),
                _kind("fermented milk", "0403", "128", LIQUID),
                _kind("yoghurt drink", "0403", "154", LIQUID),
                _kind("cream", "0401", "320", LIQUID),
                _kind("sunflower oil", "1512", "298", LIQUID),
                _kind("palm oil", "1511", "232", LIQUID),
                _kind("corn oil", "1515", "312", LIQUID),
                _kind("groundnut oil", "1508", "348", LIQUID),
                _kind("honey", "0409", "540", LIQUID),
                _kind("tomato sauce", "2103", "176", LIQUID),
            ),
        ),
        Vendor(
            "TAMU", "Tamu Sweets and Stationery", "Grace Atieno", "Lake View 9, Homa Bay", "Snacks and stationery",
            ("Tamu", "Rafiki", "Twiga Tatu", "Darasa", "Kioo"),
            (
                _kind("ginger biscuits", "1905", "48", PIECES),
                _kind("milk biscuits", "1905", "44", PIECES),
                _kind("toffees", "1704", "30", PIECES),
                _kind("crisps", "2005", "38", PIECES),
                _kind("chewing gum", "1704", "22", PIECES),
                _kind("exercise books", "4820", "46", PIECES),
                _kind("ball pens", "9608", "16", PIECES),
                _kind("candles", "3406", "24", PIECES),
                _kind("matches", "3605", "9", PIECES),
                _kind("torch batteries", "8506", "62", PIECES),
            ),
        ),
        Vendor(
            "UPEPO", "Upepo Electricals", "Hassan Abdi", "Airport Road 2, Kisumu", "Electrical goods", is_approved=False
        ),
    ),
    families=(
        "Were", "Akinyi", "Otieno", "Wanjiru", "Barasa", "Chepkoech", "Nafula", "Omondi", "Mutua", "Wekesa", "Auma",
        "Kipchumba", "Moraa", "Nekesa", "Ochieng", "Wambui", "Simiyu", "Jepkosgei", "Onyango", "Kerubo", "Muthoni",
        "Adhiambo", "Mwangi", "Khaemba", "Atieno",
    ),
    shops=("Stores", "Grocers", "Mini Mart", "Duka", "Provisions", "General Shop", "Corner", "and Daughters"),
    towns=(
        "Kisumu", "Ahero", "Siaya", "Busia", "Homa Bay", "Kakamega", "Maseno", "Bondo", "Migori", "Kendu Bay", "Awasi",
        "Ugunja", "Luanda", "Mbita", "Rongo",
    ),
)  # fmt: skip
