"""An SDC provider (IEEE 11073-20702/-10207) on the unmodified sdc11073 stack: WS-Discovery with the bed in the location scope,
then HTTPS with mutual TLS (or plain HTTP, for the two monitors still in their commissioning mode).

Arguments: a JSON object with id, ip, maker, model, serial, firmware, bed, kind, and `tls` (a folder of PEM files) or null.
Each line on stdin publishes one report of new values, so that the director sets the pace.
"""

import json
import pathlib
import sys
import uuid
from decimal import Decimal

from sdc11073.certloader import mk_ssl_contexts_from_folder
from sdc11073.location import SdcLocation
from sdc11073.mdib import ProviderMdib
from sdc11073.provider import SdcProvider
from sdc11073.wsdiscovery import WSDiscovery
from sdc11073.xml_types import pm_qnames as pm
from sdc11073.xml_types import pm_types
from sdc11073.xml_types.dpws_types import ThisDeviceType, ThisModelType

METRICS = {
    "ventilator": [("151562", "264928", 16), ("151868", "268050", 480), ("151792", "266016", 8), ("152196", "262656", 40)],
    "patient-monitor": [("147842", "264864", 78), ("150456", "262688", 97), ("151562", "264928", 15), ("150037", "266016", 82)],
}
NAMESPACE = uuid.UUID("6f0c3c06-7bb5-4f3e-9a51-3c2f6f5d1e77")
cfg = json.loads(sys.argv[1])


def mdib():
    rows = "\n".join(
        f'            <pm:Metric xsi:type="pm:NumericMetricDescriptor" Handle="m{i}" MetricCategory="Msrmt" MetricAvailability="Cont" Resolution="1" SafetyClassification="MedB">'
        f'<pm:Type Code="{code}"/><pm:Unit Code="{unit}"/></pm:Metric>' for i, (code, unit, _) in enumerate(METRICS[cfg["kind"]]))
    text = pathlib.Path(__file__).with_name("mdib.xml").read_text()
    names = {"SEQ": str(uuid.uuid5(NAMESPACE, cfg["serial"] + "/seq")), "MDS_TYPE": "69826" if cfg["kind"] == "ventilator" else "69798", "MAKER": cfg["maker"],
             "MODEL": cfg["model"], "FIRMWARE": cfg["firmware"], "SERIAL": cfg["serial"], "METRICS": rows}
    for k, v in names.items():
        text = text.replace(f"@{k}@", v)
    return ProviderMdib.from_string(text.encode())


def publish(store, n):
    with store.metric_state_transaction() as t:
        for i, (_, _, mid) in enumerate(METRICS[cfg["kind"]]):
            state = t.get_state(f"m{i}")
            if state.MetricValue is None:
                state.mk_metric_value()
            state.ActivationState = pm_types.ComponentActivation.ON
            state.MetricValue.Validity = pm_types.MeasurementValidity.VALID
            state.MetricValue.Value = Decimal(mid + (n * 7 + i * 3) % 5)


def main():
    discovery = WSDiscovery(cfg["ip"])
    discovery.start()
    store = mdib()
    provider = SdcProvider(
        ws_discovery=discovery, epr=uuid.uuid5(NAMESPACE, cfg["serial"]),
        this_model=ThisModelType(manufacturer=cfg["maker"], manufacturer_url=f"http://www.{cfg['maker'].lower()}.example", model_name=cfg["model"], model_number=cfg["firmware"],
                                 model_url=f"http://www.{cfg['maker'].lower()}.example", presentation_url=f"http://{cfg['ip']}/"),
        this_device=ThisDeviceType(friendly_name=f"{cfg['model']} {cfg['serial']}", firmware_version=cfg["firmware"], serial_number=cfg["serial"]),
        device_mdib_container=store, max_subscription_duration=7200,
        ssl_context_container=mk_ssl_contexts_from_folder(cfg["tls"]) if cfg["tls"] else None)
    provider.start_all(start_rtsample_loop=False)
    provider.set_location(SdcLocation(fac="STBRANNOC", poc="ICU", bed=f"BED{cfg['bed']:02d}"))
    print("ready", flush=True)
    for n, _ in enumerate(sys.stdin):
        publish(store, n)
    provider.stop_all()


main()
