"""HL7 v2 messages of the hospital, as text. Times and people are passed in; nothing here sends anything."""

import itertools

_control = itertools.count(1)
FACILITY = "STBRANNOC"


def _id(app):
    return f"{app[:6]}{next(_control):06d}"


def _msh(app, facility, to_app, kind, when, version="2.5.1", profile=""):
    t = when.strftime("%Y%m%d%H%M%S+0000")
    tail = f"|||AL|NE||UNICODE UTF-8|||{profile}" if profile else "||||||UNICODE UTF-8"
    return f"MSH|^~\\&|{app}|{facility}|{to_app}|{FACILITY}|{t}||{kind}|{_id(app)}|P|{version}{tail}"


def _pid(p):
    return (f"PID|1||{p['mrn']}^^^STB^MR~{p['nhs']}^^^NHS^NH||{p['family']}^{p['given']}^^^^^L||{p['born']}|{p['sex']}|||"
            f"{p['street']}^^{p['town']}^^{p['postcode']}^GBR^H||{p['phone']}|||||{p['visit']}")


def _pv1(p, unit, bed, cls="I"):
    return f"PV1|1|{cls}|{unit}^^{bed}^{FACILITY}||||1044^Merriweather^Isolde^^^Dr||||||||||||{p['visit']}"


def adt(event, p, unit, bed, when):
    """Admission, update or discharge from the health record."""
    structure = {"A01": "ADT_A01", "A08": "ADT_A01", "A04": "ADT_A01", "A03": "ADT_A03", "A02": "ADT_A02"}[event]
    segs = [_msh("WILLOWEHR", FACILITY, "JUNCTION", f"ADT^{event}^{structure}", when), f"EVN|{event}|{when:%Y%m%d%H%M%S}", _pid(p)]
    if event in ("A01", "A04", "A08"):
        segs.append(f"NK1|1|{p['kin'].split(' ', 1)[1]}^{p['kin'].split(' ', 1)[0]}|{p['kin_relation']}||{p['kin_phone']}")
    segs.append(_pv1(p, unit, bed))
    if event in ("A01", "A04"):
        segs.append(f"IN1|1|BM01|77|{p['insurer']}{'|' * 32}{p['policy']}")
    return segs


def order(p, unit, code, text, when, to_app, number):
    """An order: laboratory (OML) or imaging (ORM)."""
    kind = "OML^O21^OML_O21" if to_app == "LABLINK" else "ORM^O01^ORM_O01"
    return [_msh("JUNCTION", FACILITY, to_app, kind, when), _pid(p), _pv1(p, unit, "1"), f"ORC|NW|{number}",
            f"OBR|1|{number}||{code}^{text}^L|||{when:%Y%m%d%H%M%S}"]


PANEL = [("2160-0", "Creatinine", "umol/L", "60-110", 84), ("2823-3", "Potassium", "mmol/L", "3.5-5.3", 4.2), ("2951-2", "Sodium", "mmol/L", "133-146", 139),
         ("1988-5", "C reactive protein", "mg/L", "<5", 12), ("718-7", "Haemoglobin", "g/L", "115-165", 131), ("777-3", "Platelets", "10*9/L", "150-400", 244)]


def lab_result(p, unit, when, number, wobble):
    """A laboratory result from the LIS."""
    segs = [_msh("LABLINK", "STB-LAB", "JUNCTION", "ORU^R01^ORU_R01", when), "SFT|Osier|11.2|LabLink|11.2.40", _pid(p), _pv1(p, unit, "1"),
            f"OBR|1|{number}|L{number}|24323-8^Chemistry panel^LN|||{when:%Y%m%d%H%M%S}"]
    for i, (code, text, unit_, ref, mid) in enumerate(PANEL, 1):
        segs.append(f"OBX|{i}|NM|{code}^{text}^LN||{mid * (0.9 + 0.2 * wobble(i)):.1f}|{unit_}|{ref}||||F|||{when:%Y%m%d%H%M%S}")
    return segs


def ecg_result(p, when, number):
    """A confirmed ECG from the ECG server."""
    return [_msh("TRACE", "STB-ED", "JUNCTION", "ORU^R01^ORU_R01", when), _pid(p), _pv1(p, "ED", "2", "E"), f"OBR|1|{number}||11524-6^EKG study^LN|||{when:%Y%m%d%H%M%S}",
            "OBX|1|NM|8867-4^Heart rate^LN||92|/min|||||F", "OBX|2|TX|18844-1^EKG impression^LN||Sinus rhythm, no acute change||||||F"]


def pump(d, p, when, wobble):
    """PCD-01 from the infusion gateway: one pump, identified by EUI-64 in OBX-18 and by UDI in PRT-10."""
    segs = [_msh("CONFLUENCE^00D0C9FFFEB21077^EUI-64", FACILITY, "JUNCTION", "ORU^R01^ORU_R01", when, "2.6", "IHE_PCD_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.1.1^ISO"),
            "SFT|Calder|2.6.0|Confluence Gateway|2.6.0"]
    if p:
        segs.append(_pid(p))
    segs.append(f"PV1|1|I|ICU^^{d['bed']}^{FACILITY}")
    segs.append(f"OBR|1|{d['serial']}-{when:%H%M%S}^CONFLUENCE|{d['serial']}-{when:%H%M%S}^CONFLUENCE^00D0C9FFFEB21077^EUI-64|69986^MDC_DEV_PUMP_INFUS^MDC|||{when:%Y%m%d%H%M%S+0000}")
    ei = f"{d['serial']}^CALDER^{d['eui64']}^EUI-64"
    rate, running = 2.0 + 8.0 * wobble(1), d["in_use"] == "yes"
    rows = [("69986^MDC_DEV_PUMP_INFUS_MDS^MDC", "1.0.0.0", "", "", ""), ("70067^MDC_DEV_PUMP_INFUS_VMD^MDC", "1.1.0.0", "", "", ""),
            ("184519^MDC_INFUS_PUMP_STAT^MDC", "1.1.1.101", "ST", "pump-status-infusing" if running else "pump-status-standby", ""),
            ("157784^MDC_FLOW_FLUID_PUMP^MDC", "1.1.2.201", "NM", f"{rate if running else 0:.1f}", "265266^MDC_DIM_MILLI_L_PER_HR^MDC"),
            ("157872^MDC_VOL_FLUID_TBI_REMAIN^MDC", "1.1.2.202", "NM", f"{50 * wobble(2):.0f}", "263762^MDC_DIM_MILLI_L^MDC"),
            ("184514^MDC_DRUG_NAME_TYPE^MDC", "1.1.2.203", "ST", d["drug"], "")]
    for i, (code, sub, kind, value, unit) in enumerate(rows, 1):
        segs.append(f"OBX|{i}|{kind}|{code}|{sub}|{value}|{unit}|||||{'R' if kind else 'X'}|||{when:%Y%m%d%H%M%S+0000}||||{ei if i == 1 else ''}")
    segs.append(f"PRT|1|UC||EQUIP^Equipment^HL70912||||||{d['udi']}^{d['eui64']}^EUI-64^CALDER||||||{d['udi_di']}||||{d['serial']}")
    return segs


def dialysis(d, p, station, when, wobble):
    """A treatment report from a dialysis machine, in clear."""
    segs = [_msh("BROOK-HD9", "STB-RENAL", "JUNCTION", "ORU^R01^ORU_R01", when, "2.6")]
    if p:
        segs.append(_pid(p))
    segs.append(f"PV1|1|O|RENAL^^{station}^{FACILITY}")
    segs.append(f"OBR|1|{d['serial']}-{when:%H%M%S}|{d['serial']}-{when:%H%M%S}|70951^MDC_DEV_HEMODIALYSIS^MDC|||{when:%Y%m%d%H%M%S}")
    ei = f"{d['serial']}^BROOK^{d['mac'].replace(':', '').upper()}^MAC"
    for i, (code, mid, unit) in enumerate([("MDC_HDIALY_BLD_PUMP_BLOOD_FLOW_RATE", 300, "mL/min"), ("MDC_HDIALY_PRESS_ART", -140, "mmHg"),
                                           ("MDC_HDIALY_PRESS_VEN", 160, "mmHg"), ("MDC_HDIALY_UF_RATE", 480, "mL/h"), ("MDC_HDIALY_COND", 14.0, "mS/cm")], 1):
        segs.append(f"OBX|{i}|NM|{code}^{code}^MDC|1.1.1.{i}|{mid * (0.95 + 0.1 * wobble(i)):.1f}|{unit}|||||R|||{when:%Y%m%d%H%M%S}||||{ei}")
    return segs


def vitals(d, p, when, wobble):
    """Numerics of the low-cost emergency monitor."""
    segs = [_msh("LM8", "", "JUNCTION", "ORU^R01", when, "2.3"), _pid(p), "PV1|1|E|ED^^RESUS1", f"OBR|1|||VITALS|||{when:%Y%m%d%H%M%S}"]
    for i, (code, text, mid, unit) in enumerate([("147842", "MDC_ECG_HEART_RATE", 96, "bpm"), ("150456", "MDC_PULS_OXIM_SAT_O2", 95, "%"),
                                                 ("151562", "MDC_RESP_RATE", 19, "/min"), ("150021", "MDC_PRESS_BLD_NONINV_SYS", 128, "mmHg")], 1):
        segs.append(f"OBX|{i}|NM|{code}^{text}^MDC||{mid * (0.95 + 0.1 * wobble(i)):.0f}|{unit}|||||F|||||||{d['serial']}")
    return segs


def text(segments):
    """Segments as one message (no MLLP framing)."""
    return "\r".join(segments) + "\r"
