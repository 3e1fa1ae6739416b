//! The device description that a UPnP device serves over HTTP (UPnP DA §2.3).

use crate::Error;
use crate::wsdiscovery::xml::{Scanner, Token};
use memchr::memmem;

/// What the root device says of itself; raw text, see [`super::unescape`]. Empty where it says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Description<'a> {
    /// `urn:<domain>:device:<type>:<version>`.
    pub device_type: &'a [u8],
    /// Name for people.
    pub friendly_name: &'a [u8],
    /// Maker.
    pub manufacturer: &'a [u8],
    /// Model.
    pub model_name: &'a [u8],
    /// Model number.
    pub model_number: &'a [u8],
    /// Serial number.
    pub serial_number: &'a [u8],
}

/// Whether XML that begins with `head` is a device description, by its namespace.
pub fn is_description(head: &[u8]) -> bool {
    memmem::find(head, b"urn:schemas-upnp-org:device-1-0").is_some()
}

/// Reads a whole description.
///
/// # Errors
/// As for XML: `Malformed`, `Truncated`, `Limit`; `Malformed` also when the root element is another.
pub fn parse_description(xml: &[u8]) -> Result<Description<'_>, Error> {
    let mut scanner = Scanner::new(xml);
    let mut description = Description::default();
    let (mut in_device, mut name, mut depth) = (false, &[][..], 0);
    while let Some(token) = scanner.next()? {
        match token {
            Token::Open(root, 1) if root != b"root" => {
                return Err(Error::Malformed { what: "root", at: 0 });
            }
            Token::Open(open, at) => {
                in_device = if at == 2 { open == b"device" } else { in_device };
                (name, depth) = (open, at);
            }
            Token::Close(at) => depth = at.saturating_sub(1),
            // Devices embedded in the root device lie deeper.
            Token::Text(text) if in_device && depth == 3 => note(&mut description, name, text),
            Token::Text(_) => {}
        }
    }
    Ok(description)
}

fn note<'a>(description: &mut Description<'a>, name: &[u8], text: &'a [u8]) {
    let slot = match name {
        b"deviceType" => &mut description.device_type,
        b"friendlyName" => &mut description.friendly_name,
        b"manufacturer" => &mut description.manufacturer,
        b"modelName" => &mut description.model_name,
        b"modelNumber" => &mut description.model_number,
        b"serialNumber" => &mut description.serial_number,
        _ => return,
    };
    *slot = text;
}
