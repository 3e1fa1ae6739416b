"""Invented patients. No one here exists; the names are distinctive so that a test can look for any leak of them.

Telephone numbers are from Ofcom's range for drama, addresses and identifiers are made up.
"""

_PEOPLE = """
Quillfeather|Zephyrine|19470312|F|14 Lantern Row|Orsino Quillfeather|HUS
Thistlewood-Okoro|Barnaby|19630825|M|3 Ropewalk Steps|Ifeoma Thistlewood-Okoro|WIF
Pendragast|Ottoline|19391107|F|27 Saltmarsh Lane|Crispin Pendragast|SON
Wrenfield|Tobias|19880219|M|8 Chandlers Yard|Maud Wrenfield|MTH
Vandermolen|Clementina|19550630|F|51 Beacon Hill|Joost Vandermolen|HUS
Askwith-Bramble|Peregrine|19720104|M|2 Gannet Terrace|Delphine Askwith-Bramble|WIF
Nightingdale|Rosalba|19810923|F|19 Quay Street|Anselm Nightingdale|BRO
Oyelaran-Finch|Thaddeus|19940517|M|66 Priory Mead|Folake Oyelaran-Finch|MTH
Marchbanks|Euphemia|19330808|F|Flat 5, The Old Lifeboat House|Hester Marchbanks|DAU
Tregarthen|Jago|20010214|M|1 Kelp Cottages|Loveday Tregarthen|MTH
Silverlock|Philippa|19680710|F|33 Foundry Way|Gideon Silverlock|HUS
Dunmorrow|Caspian|19590421|M|90 Abbot's Walk|Sorrel Dunmorrow|WIF
Hollowbrook|Marguerite|19441229|F|7 Weaver's Close|Linus Hollowbrook|SON
Kestrelman|Ignatius|19760916|M|12 Harbour View|Beatrix Kestrelman|WIF
Ravensworth-Lal|Anoushka|19901103|F|45 Mill Pond Road|Vikram Ravensworth-Lal|HUS
Cloudesley|Bartholomew|19520502|M|38 Old Tithe Barn|Winifred Cloudesley|WIF
"""


def _patient(i, line):
    family, given, born, sex, street, kin, relation = line.split("|")
    return {
        "family": family, "given": given, "born": born, "sex": sex, "street": street, "town": "Brannoc Haven", "postcode": f"ZZ{i + 1} 9QX",
        "phone": f"01632 9604{i:02d}", "mrn": f"SB7{40512 + i * 617}", "nhs": f"999{7041200 + i * 8317}", "visit": f"V26{11800 + i * 31}",
        "kin": kin, "kin_relation": relation, "kin_phone": f"01632 9605{i:02d}", "policy": f"POL-{88210 + i * 43}", "insurer": "Brannoc Mutual",
    }


PATIENTS = [_patient(i, line) for i, line in enumerate(_PEOPLE.strip().splitlines())]
ICU = {bed: PATIENTS[bed - 1] for bed in range(1, 13) if bed not in (6, 10, 12)}
DIALYSIS = {1: PATIENTS[12], 2: PATIENTS[13], 4: PATIENTS[14]}
EMERGENCY = PATIENTS[15]


def canaries():
    """Every patient string a reader of the capture must never repeat, as it is written on the wire."""
    fields = ("family", "given", "mrn", "nhs", "visit", "street", "phone", "kin_phone", "policy", "postcode")
    kin = {"^".join(reversed(p["kin"].split(" ", 1))) for p in PATIENTS}
    return sorted({p[f] for p in PATIENTS for f in fields} | kin)
