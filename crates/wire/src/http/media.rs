//! Media types that carry clinical data.

use memchr::memchr;

/// A clinical format, as `Content-Type` announces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clinical {
    /// FHIR in JSON (FHIR R4 §3.1.0.1.9).
    FhirJson,
    /// FHIR in XML.
    FhirXml,
    /// DICOM objects, bare or in multipart/related (DICOM PS3.18 §8.7).
    Dicom,
    /// DICOM model in JSON.
    DicomJson,
    /// DICOM model in XML.
    DicomXml,
}

impl Clinical {
    /// The media type in its present spelling.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::FhirJson => "application/fhir+json",
            Self::FhirXml => "application/fhir+xml",
            Self::Dicom => "application/dicom",
            Self::DicomJson => "application/dicom+json",
            Self::DicomXml => "application/dicom+xml",
        }
    }

    /// The format that the value of a `Content-Type` names.
    pub(super) fn of(content_type: &[u8]) -> Option<Self> {
        let (essence, parameters) = split(content_type);
        if let Some(subtype) = strip_prefix(essence, b"application/") {
            return Self::subtype(subtype);
        }
        strip_prefix(essence, b"multipart/related")?;
        let part = find_parameter(parameters, b"type")?;
        strip_prefix(part, b"application/").and_then(Self::subtype)
    }

    fn subtype(subtype: &[u8]) -> Option<Self> {
        const NAMES: [(&[u8], Clinical); 7] = [
            (b"fhir+json", Clinical::FhirJson),
            (b"fhir+xml", Clinical::FhirXml),
            // DSTU2 spelled them the other way round.
            (b"json+fhir", Clinical::FhirJson),
            (b"xml+fhir", Clinical::FhirXml),
            (b"dicom", Clinical::Dicom),
            (b"dicom+json", Clinical::DicomJson),
            (b"dicom+xml", Clinical::DicomXml),
        ];
        NAMES.into_iter().find(|(name, _)| subtype.eq_ignore_ascii_case(name)).map(|(_, format)| format)
    }
}

/// Whether the value of a `Content-Type` names plain XML.
pub(super) fn is_xml(content_type: &[u8]) -> bool {
    let (essence, _) = split(content_type);
    essence.eq_ignore_ascii_case(b"text/xml") || essence.eq_ignore_ascii_case(b"application/xml")
}

fn split(content_type: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr(b';', content_type).unwrap_or(content_type.len());
    let (essence, parameters) = content_type.split_at_checked(end).unwrap_or((content_type, &[]));
    (essence.trim_ascii(), parameters)
}

fn find_parameter<'a>(parameters: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    parameters.split(|&b| b == b';').find_map(|parameter| {
        let value = strip_prefix(parameter.trim_ascii(), name)?.trim_ascii_start().strip_prefix(b"=")?;
        let value = value.trim_ascii();
        Some(value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value))
    })
}

fn strip_prefix<'a>(text: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}
