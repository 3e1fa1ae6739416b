"""The bedside data consumer in the infusion gateway: finds SDC providers, reads their MDIB, subscribes to their reports.

Arguments: own address, folder of PEM files. Each line on stdin starts one search; devices not yet known are connected to.
"""

import sys

from sdc11073.certloader import mk_ssl_contexts_from_folder
from sdc11073.consumer.consumerimpl import SdcConsumer
from sdc11073.definitions_sdc import SdcV1Definitions
from sdc11073.mdib import ConsumerMdib
from sdc11073.wsdiscovery import WSDiscovery
from sdc11073.xml_types.actions import periodic_actions

ip, pem = sys.argv[1:3]
tls = mk_ssl_contexts_from_folder(pem)
known = {}


def connect(service):
    secure = service.x_addrs[0].startswith("https")
    consumer = SdcConsumer.from_wsd_service(service, ssl_context_container=tls if secure else None)
    consumer.start_all(not_subscribed_actions=periodic_actions, fixed_renew_interval=45)
    mdib = ConsumerMdib(consumer)
    mdib.init_mdib()
    known[service.epr] = (consumer, mdib)


def main():
    discovery = WSDiscovery(ip)
    discovery.start()
    for _ in sys.stdin:
        for service in discovery.search_services(types=SdcV1Definitions.MedicalDeviceTypesFilter, timeout=2):
            if service.epr in known and not known[service.epr][0].is_connected:
                known.pop(service.epr)
            if service.epr not in known:
                try:
                    connect(service)
                except Exception as e:  # a device that does not answer must not stop the others
                    print("failed", service.epr, repr(e), flush=True)
        print("known", len(known), flush=True)


main()
