//! Certificates that cross in clear: TLS 1.2 and before (RFC 5246 §7.4.2), X.509 after RFC 5280. Nothing is verified.

use super::{DNS_NAMES_MAX, NAME_BYTES_MAX};
use crate::{Error, Reader};
use std::fmt;
use x509_parser::asn1_rs::{FromDer as _, Tag};
use x509_parser::certificate::{X509Certificate, X509CertificateParser};
use x509_parser::extensions::{GeneralName, SubjectAlternativeName};
use x509_parser::nom::Parser as _;
use x509_parser::oid_registry::{
    OID_X509_EXT_SUBJECT_ALT_NAME, OID_X509_GIVEN_NAME, OID_X509_SERIALNUMBER, OID_X509_SURNAME,
};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// What a certificate says of its holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The holder.
    pub subject: Name,
    /// Who signed.
    pub issuer: Name,
    /// DNS names of the holder, the first [`DNS_NAMES_MAX`].
    pub dns_names: Vec<String>,
    /// End of validity, RFC 3339 in UTC.
    pub not_after: String,
}

/// The parts of a distinguished name that tell devices apart. `Display` gives `CN=…, O=…, serialNumber=…`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    /// CN, the last where there are several: the most specific.
    pub common_name: Option<String>,
    /// O.
    pub organization: Option<String>,
    /// The `serialNumber` attribute: device makers write the unit's serial number here.
    pub serial_number: Option<String>,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts =
            [("CN", &self.common_name), ("O", &self.organization), ("serialNumber", &self.serial_number)];
        let mut separator = "";
        for (key, value) in parts.into_iter().filter_map(|(key, value)| value.as_ref().map(|v| (key, v))) {
            write!(f, "{separator}{key}={value}")?;
            separator = ", ";
        }
        Ok(())
    }
}

/// The first certificate in the body of a Certificate message: the sender's own. `None` when the list is empty, as that
/// of a client without one is.
///
/// # Errors
/// `Truncated` when a length points beyond the message.
pub fn leaf(body: &[u8]) -> Result<Option<&[u8]>, Error> {
    let mut reader = Reader::new(body);
    if reader.u24_be("certificate list length")? == 0 {
        return Ok(None);
    }
    let length = reader.u24_be("certificate length")? as usize;
    reader.take(length, "certificate").map(Some)
}

/// Reads an X.509 certificate.
///
/// # Errors
/// `Malformed` when it is not one.
pub fn certificate(der: &[u8]) -> Result<Certificate, Error> {
    let malformed = Error::Malformed { what: "certificate", at: 0 };
    // Of the extensions only one is read, below: an odd one must not hide the holder.
    let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
    let (_, parsed) = parser.parse(der).map_err(|_| malformed)?;
    let not_after = rfc3339(parsed.validity().not_after.timestamp()).ok_or(malformed)?;
    Ok(Certificate {
        subject: name(parsed.subject()),
        issuer: name(parsed.issuer()),
        dns_names: dns_names(&parsed),
        not_after,
    })
}

/// Of a name that is a person's (a staff or patient card), only the organization is read: it tells of no device.
fn name(name: &X509Name<'_>) -> Name {
    let text = |attribute: Option<&AttributeTypeAndValue<'_>>| attribute.and_then(text);
    let organization = text(name.iter_organization().next());
    let common_name = text(name.iter_common_name().last());
    let is_personal = name
        .iter_attributes()
        .any(|attribute| [OID_X509_SURNAME, OID_X509_GIVEN_NAME].contains(attribute.attr_type()));
    let is_mailbox = common_name.as_ref().is_some_and(|name| name.contains('@'));
    if is_mailbox || is_personal {
        return Name { organization, ..Name::default() };
    }
    let serial_number = text(name.iter_by_oid(&OID_X509_SERIALNUMBER).next());
    Name { common_name, organization, serial_number }
}

/// A directory string: UTF-8 or a subset of it, else UTF-16 (BMPString), else taken as Latin-1.
fn text(attribute: &AttributeTypeAndValue<'_>) -> Option<String> {
    let value = attribute.attr_value();
    let bytes = value.data.get(..NAME_BYTES_MAX).unwrap_or(value.data);
    let text = if value.tag() == Tag::BmpString {
        let (units, _) = bytes.as_chunks();
        char::decode_utf16(units.iter().map(|&unit| u16::from_be_bytes(unit)))
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    } else {
        match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
        }
    };
    (!text.trim().is_empty()).then_some(text)
}

fn dns_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Some(extension) = certificate.iter_extensions().find(|e| e.oid == OID_X509_EXT_SUBJECT_ALT_NAME)
    else {
        return Vec::new();
    };
    let Ok((_, names)) = SubjectAlternativeName::from_der(extension.value) else { return Vec::new() };
    let dns_name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) if name.len() <= NAME_BYTES_MAX => Some((*name).to_owned()),
        _ => None,
    };
    names.general_names.iter().filter_map(dns_name).take(DNS_NAMES_MAX).collect()
}

/// `seconds` since 1970 as `2026-01-31T23:59:59Z`; years 0 to 9999.
fn rfc3339(seconds: i64) -> Option<String> {
    const DAY_SECS: i64 = 86_400;
    let (days, rest) = (seconds.div_euclid(DAY_SECS), seconds.rem_euclid(DAY_SECS));
    // Days to civil date with years that start in March, so that the leap day comes last (Howard Hinnant's algorithm).
    let shifted = days.checked_add(719_468)?;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    (0..=9_999)
        .contains(&year)
        .then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn dates_of_all_kinds() {
        assert_eq!(rfc3339(0).as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(rfc3339(951_827_696).as_deref(), Some("2000-02-29T12:34:56Z"));
        assert_eq!(rfc3339(253_402_300_799).as_deref(), Some("9999-12-31T23:59:59Z"));
        assert_eq!(rfc3339(-631_152_000).as_deref(), Some("1950-01-01T00:00:00Z"));
        assert_eq!(rfc3339(253_402_300_800), None);
        assert_eq!(rfc3339(i64::MAX), None);
    }
}
