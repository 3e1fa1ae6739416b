"""The Modality Performed Procedure Step receiver of the worklist server, on the unmodified pynetdicom library."""

import sys

from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import ModalityPerformedProcedureStep, Verification

steps = {}


def on_create(event):
    steps[event.request.AffectedSOPInstanceUID] = event.attribute_list
    return 0x0000, event.attribute_list


def on_set(event):
    return 0x0000, event.modification_list if event.request.RequestedSOPInstanceUID in steps else Dataset()


ae = AE(ae_title=sys.argv[1])
ae.add_supported_context(ModalityPerformedProcedureStep)
ae.add_supported_context(Verification)
ae.start_server(("0.0.0.0", int(sys.argv[2])), evt_handlers=[(evt.EVT_N_CREATE, on_create), (evt.EVT_N_SET, on_set)])
