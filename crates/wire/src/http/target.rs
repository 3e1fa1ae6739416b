//! What a request target tells without being told: targets name patients, so only their kind leaves this file.

/// What the target of a request tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// It names another host than the one the request is sent to: the receiver is a proxy (RFC 9112 §3.2.2, §3.2.3).
    pub through_proxy: bool,
    /// Its path goes to a resource that bears patient data: one of FHIR's or of DICOMweb's. Says nothing without a
    /// clinical media type beside it.
    pub patient_resource: bool,
}

/// FHIR R4 resource types that are about a patient, and the resources of DICOMweb and WADO-URI (PS3.18 §10, §9, §11).
const PATIENT_RESOURCES: [&[u8]; 42] = [
    b"AdverseEvent",
    b"AllergyIntolerance",
    b"Appointment",
    b"CarePlan",
    b"CareTeam",
    b"Claim",
    b"ClinicalImpression",
    b"Communication",
    b"CommunicationRequest",
    b"Composition",
    b"Condition",
    b"Consent",
    b"Coverage",
    b"DetectedIssue",
    b"DeviceRequest",
    b"DeviceUseStatement",
    b"DiagnosticReport",
    b"DocumentReference",
    b"Encounter",
    b"EpisodeOfCare",
    b"FamilyMemberHistory",
    b"Flag",
    b"Goal",
    b"ImagingStudy",
    b"Immunization",
    b"MedicationAdministration",
    b"MedicationDispense",
    b"MedicationRequest",
    b"MedicationStatement",
    b"NutritionOrder",
    b"Observation",
    b"Patient",
    b"Person",
    b"Procedure",
    b"QuestionnaireResponse",
    b"RelatedPerson",
    b"RiskAssessment",
    b"ServiceRequest",
    b"Specimen",
    b"studies",
    b"wado",
    b"workitems",
];

impl Target {
    /// Looks at the request target `raw`.
    pub(super) fn of(raw: &[u8]) -> Self {
        let path = raw.split(|&b| matches!(b, b'?' | b'#')).next().unwrap_or_default();
        let patient_resource =
            path.split(|&b| b == b'/').any(|segment| PATIENT_RESOURCES.binary_search(&segment).is_ok());
        Self { through_proxy: !matches!(raw.first(), Some(b'/' | b'*')), patient_resource }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_order() {
        assert!(PATIENT_RESOURCES.is_sorted());
    }

    #[test]
    fn only_whole_segments_of_the_path_count() {
        let patient = |raw: &[u8]| Target::of(raw).patient_resource;
        assert!(patient(b"/fhir/Patient/17?name=doe"));
        assert!(patient(b"/dicom-web/studies"));
        assert!(patient(b"http://pacs/wado?requestType=WADO"));
        assert!(!patient(b"/metadata"));
        assert!(!patient(b"/Device?patient=Patient/17"));
        assert!(!patient(b"/PatientPortal/index.html"));
    }

    #[test]
    fn a_target_with_an_authority_goes_through_a_proxy() {
        assert!(Target::of(b"http://ris/").through_proxy);
        assert!(Target::of(b"ris:443").through_proxy);
        assert!(!Target::of(b"/").through_proxy);
        assert!(!Target::of(b"*").through_proxy);
    }
}
