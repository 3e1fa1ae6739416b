//! Questions, resource records and the few kinds of data that tell who a machine is.

use super::Name;
use crate::{Error, Reader};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Something asked (for an update: the zone).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question<'a> {
    /// About which name.
    pub name: Name<'a>,
    /// QTYPE.
    pub kind: RecordType,
    /// QCLASS; in mDNS the top bit asks for a unicast answer (RFC 6762 §5.4).
    pub class: u16,
}

/// Where in the message a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Answer (for an update: prerequisite).
    Answer,
    /// Authority (for an update: what to change).
    Authority,
    /// Additional.
    Additional,
}

/// A resource record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its section.
    pub section: Section,
    /// The owner.
    pub name: Name<'a>,
    /// TYPE.
    pub kind: RecordType,
    /// CLASS; in mDNS the top bit says "flush what you knew" (RFC 6762 §10.2).
    pub class: u16,
    /// Seconds it may be kept; 0 in mDNS says goodbye (RFC 6762 §10.1).
    pub ttl_s: u32,
    pub(super) message: &'a [u8],
    pub(super) data_at: usize,
    pub(super) data_bytes: usize,
}

impl<'a> Record<'a> {
    /// CLASS IN, the cache-flush bit aside.
    pub const fn is_internet(&self) -> bool {
        self.class & 0x7fff == 1
    }

    /// RDATA as it stands.
    pub fn raw(&self) -> &'a [u8] {
        self.message.get(self.data_at..self.data_at + self.data_bytes).unwrap_or_default()
    }

    /// RDATA, read.
    ///
    /// # Errors
    /// `Truncated` or `Malformed` when it contradicts its type.
    pub fn data(&self) -> Result<Data<'a>, Error> {
        let mut reader = Reader::new(self.raw());
        match self.kind {
            RecordType::A => reader.array::<4>("A record").map(|octets| Data::A(octets.into())),
            RecordType::AAAA => reader.array::<16>("AAAA record").map(|octets| Data::Aaaa(octets.into())),
            RecordType::PTR => self.name_at(0).map(Data::Ptr),
            RecordType::SRV => {
                reader.skip(4, "SRV priority and weight")?;
                let port = reader.u16_be("SRV port")?;
                Ok(Data::Srv { port, target: self.name_at(reader.at())? })
            }
            RecordType::TXT => Ok(Data::Txt(CharacterStrings(reader.rest()))),
            RecordType::HINFO => {
                let mut strings = CharacterStrings(reader.rest());
                match (strings.next(), strings.next()) {
                    (Some(cpu), Some(os)) => Ok(Data::Hinfo { cpu, os }),
                    _ => Err(Error::Malformed { what: "HINFO record", at: self.data_at }),
                }
            }
            _ => Ok(Data::Other(reader.rest())),
        }
    }

    fn name_at(&self, offset: usize) -> Result<Name<'a>, Error> {
        let (name, end) = Name::read(self.message, self.data_at + offset)?;
        if end > self.data_at + self.data_bytes {
            return Err(Error::Malformed { what: "name in record data", at: self.data_at + offset });
        }
        Ok(name)
    }
}

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data<'a> {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// A name: an instance of a service, or the owner of an address.
    Ptr(Name<'a>),
    /// Where a service is (RFC 2782).
    Srv {
        /// Its port.
        port: u16,
        /// The host that offers it.
        target: Name<'a>,
    },
    /// Strings; in DNS-SD `key=value` (RFC 6763 §6).
    Txt(CharacterStrings<'a>),
    /// Hardware and operating system (RFC 1035 §3.3.2).
    Hinfo {
        /// CPU.
        cpu: &'a [u8],
        /// OS.
        os: &'a [u8],
    },
    /// Anything else, as it stands.
    Other(&'a [u8]),
}

/// Length-prefixed strings; ends early where a length lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CharacterStrings<'a>(&'a [u8]);

impl<'a> Iterator for CharacterStrings<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (&length, rest) = self.0.split_first()?;
        let (string, rest) = rest.split_at_checked(usize::from(length))?;
        self.0 = rest;
        Some(string)
    }
}

macro_rules! record_types {
    ($($name:ident = $number:literal, $verb:literal;)*) => {
        /// TYPE or QTYPE (IANA "DNS Resource Record TYPEs").
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct RecordType(pub u16);

        impl RecordType {
            $(#[doc = $verb] pub const $name: Self = Self($number);)*

            /// The verb of a query for it.
            pub const fn query_verb(self) -> &'static str {
                match self.0 { $($number => $verb,)* _ => "QUERY OTHER" }
            }

            /// One that this module knows by name.
            pub const fn is_known(self) -> bool {
                matches!(self.0, $($number)|*)
            }
        }
    };
}

record_types! {
    A = 1, "QUERY A";
    NS = 2, "QUERY NS";
    CNAME = 5, "QUERY CNAME";
    SOA = 6, "QUERY SOA";
    NULL = 10, "QUERY NULL";
    PTR = 12, "QUERY PTR";
    HINFO = 13, "QUERY HINFO";
    MX = 15, "QUERY MX";
    TXT = 16, "QUERY TXT";
    AAAA = 28, "QUERY AAAA";
    SRV = 33, "QUERY SRV";
    NAPTR = 35, "QUERY NAPTR";
    OPT = 41, "QUERY OPT";
    DS = 43, "QUERY DS";
    RRSIG = 46, "QUERY RRSIG";
    NSEC = 47, "QUERY NSEC";
    DNSKEY = 48, "QUERY DNSKEY";
    SVCB = 64, "QUERY SVCB";
    HTTPS = 65, "QUERY HTTPS";
    TKEY = 249, "QUERY TKEY";
    TSIG = 250, "QUERY TSIG";
    IXFR = 251, "QUERY IXFR";
    AXFR = 252, "QUERY AXFR";
    ANY = 255, "QUERY ANY";
}
