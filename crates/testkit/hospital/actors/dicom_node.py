"""A DICOM node on the unmodified pynetdicom library: modality steps (MPPS), and for ultrasound 2 and workstation 2 everything.

Arguments: own AE title, folder for received objects, optional port to listen on. Orders come as JSON lines on stdin:
  {"do": "store", "to": [ip, port, ae], "files": [...]}         {"do": "echo", "to": ...}
  {"do": "worklist", "to": ..., "modality": "US"}               {"do": "find", "to": ..., "patient": "NAME*"}
  {"do": "move", "to": ..., "study": uid, "dest": ae}           {"do": "step", "to": ..., "patient": {...}, "modality": "CT", "when": iso}
Each order is answered by one JSON line with the count of what was done.
"""

import datetime
import json
import sys

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, StoragePresentationContexts, evt
from pynetdicom.sop_class import (CTImageStorage, ModalityPerformedProcedureStep, ModalityWorklistInformationFind, StudyRootQueryRetrieveInformationModelFind,
                                  StudyRootQueryRetrieveInformationModelMove, UltrasoundImageStorage, Verification)

title, port = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None


def associate(to, *contexts):
    ae = AE(ae_title=title)
    for c in contexts:
        ae.add_requested_context(c)
    return ae.associate(to[0], to[1], ae_title=to[2])


def store(o):
    assoc, n = associate(o["to"], CTImageStorage, UltrasoundImageStorage), 0
    for f in o["files"]:
        n += assoc.send_c_store(dcmread(f)).get("Status") == 0
    assoc.release()
    return n


def echo(o):
    assoc = associate(o["to"], Verification)
    status = assoc.send_c_echo()
    assoc.release()
    return int(status.get("Status") == 0)


def worklist(o):
    q, step = Dataset(), Dataset()
    q.PatientName, q.PatientID, q.AccessionNumber, q.StudyInstanceUID = "", "", "", ""
    step.Modality, step.ScheduledStationAETitle, step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepID = o["modality"], "", "", ""
    q.ScheduledProcedureStepSequence = [step]
    assoc = associate(o["to"], ModalityWorklistInformationFind)
    n = sum(1 for s, d in assoc.send_c_find(q, ModalityWorklistInformationFind) if d is not None)
    assoc.release()
    return n


def find(o):
    q = Dataset()
    q.QueryRetrieveLevel, q.PatientName, q.PatientID, q.StudyInstanceUID, q.StudyDate, q.ModalitiesInStudy = "STUDY", o["patient"], "", "", "", ""
    assoc = associate(o["to"], StudyRootQueryRetrieveInformationModelFind)
    n = sum(1 for s, d in assoc.send_c_find(q, StudyRootQueryRetrieveInformationModelFind) if d is not None)
    assoc.release()
    return n


def move(o):
    q = Dataset()
    q.QueryRetrieveLevel, q.StudyInstanceUID = "STUDY", o["study"]
    assoc = associate(o["to"], StudyRootQueryRetrieveInformationModelMove)
    last = None
    for status, _ in assoc.send_c_move(q, o["dest"], StudyRootQueryRetrieveInformationModelMove):
        last = status
    assoc.release()
    return int(getattr(last, "NumberOfCompletedSuboperations", 0) or 0)


def step(o):
    """MPPS: the examination begins (N-CREATE, IN PROGRESS) and ends (N-SET, COMPLETED)."""
    p, when, uid = o["patient"], datetime.datetime.fromisoformat(o["when"]), generate_uid()
    sched, d = Dataset(), Dataset()
    sched.StudyInstanceUID, sched.AccessionNumber, sched.RequestedProcedureID = o["study"], o["accession"], o["accession"]
    sched.ScheduledProcedureStepID, sched.ScheduledProcedureStepDescription = "S" + o["accession"], o["text"]
    d.ScheduledStepAttributesSequence = [sched]
    d.PatientName, d.PatientID, d.PatientBirthDate, d.PatientSex = f"{p['family']}^{p['given']}", p["mrn"], p["born"], p["sex"]
    d.PerformedProcedureStepID, d.PerformedStationAETitle, d.PerformedStationName, d.PerformedLocation = "P" + o["accession"], title, o["station"], o["location"]
    d.PerformedProcedureStepStartDate, d.PerformedProcedureStepStartTime = f"{when:%Y%m%d}", f"{when:%H%M%S}"
    d.PerformedProcedureStepStatus, d.PerformedProcedureStepDescription, d.Modality = "IN PROGRESS", o["text"], o["modality"]
    d.PerformedProcedureStepEndDate, d.PerformedProcedureStepEndTime, d.PerformedSeriesSequence = "", "", []
    assoc = associate(o["to"], ModalityPerformedProcedureStep)
    assoc.send_n_create(d, ModalityPerformedProcedureStep, uid)
    end = Dataset()
    end.PerformedProcedureStepStatus = "COMPLETED"
    end.PerformedProcedureStepEndDate, end.PerformedProcedureStepEndTime = f"{when:%Y%m%d}", f"{when:%H%M%S}"
    assoc.send_n_set(end, ModalityPerformedProcedureStep, uid)
    assoc.release()
    return 2


def main():
    if port:
        ae = AE(ae_title=title)
        ae.supported_contexts = StoragePresentationContexts
        ae.add_supported_context(Verification)
        ae.start_server(("0.0.0.0", port), block=False, evt_handlers=[(evt.EVT_C_STORE, lambda e: 0x0000)])
    verbs = {"store": store, "echo": echo, "worklist": worklist, "find": find, "move": move, "step": step}
    for line in sys.stdin:
        order = json.loads(line)
        try:
            n = verbs[order["do"]](order)
        except Exception as e:
            print(json.dumps({"done": 0, "error": repr(e)}), flush=True)
            continue
        print(json.dumps({"done": n}), flush=True)


main()
