"""Small invented images: a phantom per modality, with the name plate of the machine that would have made them."""

import datetime

import numpy
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

SOP = {"CT": "1.2.840.10008.5.1.4.1.1.2", "MR": "1.2.840.10008.5.1.4.1.1.4", "US": "1.2.840.10008.5.1.4.1.1.6.1"}
SIZE = {"CT": 96, "MR": 96, "US": 128}


def _phantom(modality, z):
    n = SIZE[modality]
    y, x = numpy.mgrid[-1:1:n * 1j, -1:1:n * 1j]
    r = numpy.sqrt((x * 1.2) ** 2 + y**2)
    a = numpy.where(r < 0.85, 1040, 24) + numpy.where(numpy.hypot(x - 0.2, y + 0.1) < 0.15 + 0.01 * z, 220, 0) - numpy.where(numpy.hypot(x + 0.3, y) < 0.2, 150, 0)
    return a.astype("<u2") if modality != "US" else (a // 8).clip(0, 255).astype("u1")


def study(folder, device, patient, modality, when, accession, slices, text, study_uid=None):
    """Writes one study; returns (study UID, file paths)."""
    study_uid, series_uid = study_uid or generate_uid(), generate_uid()
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for z in range(slices):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID = SOP[modality], generate_uid(), ExplicitVRLittleEndian
        path = folder / f"{z:03d}.dcm"
        d = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
        d.SOPClassUID, d.SOPInstanceUID, d.StudyInstanceUID, d.SeriesInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, study_uid, series_uid
        d.PatientName, d.PatientID, d.PatientBirthDate, d.PatientSex = f"{patient['family']}^{patient['given']}", patient["mrn"], patient["born"], patient["sex"]
        d.PatientAddress, d.PatientTelephoneNumbers = f"{patient['street']}, {patient['town']}", patient["phone"]
        d.StudyDate = d.SeriesDate = d.ContentDate = f"{when:%Y%m%d}"
        d.StudyTime = d.SeriesTime = d.ContentTime = f"{when + datetime.timedelta(seconds=z):%H%M%S}"
        d.AccessionNumber, d.StudyID, d.StudyDescription, d.Modality = accession, accession, text, modality
        d.Manufacturer, d.InstitutionName, d.InstitutionalDepartmentName = device["maker"], "St Brannoc's Hospital", device["department"]
        d.StationName, d.ManufacturerModelName, d.DeviceSerialNumber, d.SoftwareVersions = device["station_name"], device["model"], device["serial"], device["firmware"]
        d.ReferringPhysicianName, d.OperatorsName = "Merriweather^Isolde", "Pettibone^Alaric"
        d.SeriesNumber, d.InstanceNumber = 1, z + 1
        pixels = _phantom(modality, z)
        d.Rows, d.Columns, d.SamplesPerPixel, d.PhotometricInterpretation = *pixels.shape, 1, "MONOCHROME2"
        d.BitsAllocated = pixels.itemsize * 8
        d.BitsStored, d.HighBit, d.PixelRepresentation = (12, 11, 0) if pixels.itemsize == 2 else (8, 7, 0)
        d.PixelData = pixels.tobytes()
        d.save_as(path, enforce_file_format=True)
        files.append(str(path))
    return study_uid, files


def worklist_item(path, patient, modality, station, when, accession, text, study_uid):
    """A worklist file for wlmscpfs."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID = "1.2.276.0.7230010.3.1.0.1", generate_uid(), ExplicitVRLittleEndian
    d, s = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128), Dataset()
    d.AccessionNumber, d.PatientName, d.PatientID, d.PatientBirthDate, d.PatientSex = accession, f"{patient['family']}^{patient['given']}", patient["mrn"], patient["born"], patient["sex"]
    d.StudyInstanceUID, d.RequestedProcedureDescription, d.RequestedProcedureID = study_uid, text, accession
    s.Modality, s.ScheduledStationAETitle, s.ScheduledProcedureStepStartDate, s.ScheduledProcedureStepStartTime = modality, station, f"{when:%Y%m%d}", f"{when:%H%M%S}"
    s.ScheduledProcedureStepDescription, s.ScheduledProcedureStepID, s.ScheduledPerformingPhysicianName = text, "S" + accession, "Pettibone^Alaric"
    d.ScheduledProcedureStepSequence = [s]
    d.save_as(path, enforce_file_format=True)
