//! Whether an interface can transmit by itself, and how that is taken from it. Promise 1: the sensor never transmits on
//! the interface it listens on; addresses, ARP, IPv6 and whatever is stacked on it are how a system would.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use sense::LinkType;

use super::super::CaptureError;
use super::netdevice::{self, Control};

/// IPv4 addresses that are removed at most: a loop must end.
const ADDRESSES_REMOVED_MAX: usize = 256;

/// Addresses that a message names.
const ADDRESSES_NAMED_MAX: usize = 4;

/// ARPHRD_RAWIP (linux/if_arp.h): cellular modems and the like.
const ARPHRD_RAWIP: u16 = 519;

/// An interface that exists.
#[derive(Debug)]
pub(super) struct Interface {
    name: String,
    number: u32,
    control: Control,
    hardware: u16,
}

/// What would let the system transmit, in words, each with the command that removes it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Faults {
    what: Vec<String>,
    fixes: Vec<String>,
}

impl Interface {
    pub(super) fn find(name: &str) -> Result<Self, CaptureError> {
        let missing = || CaptureError::NoSuchInterface {
            interface: name.to_owned(),
            existing: netdevice::names().join(", "),
        };
        let number = netdevice::number(name).ok_or_else(missing)?;
        let control = Control::open().map_err(|error| failed(name, "asking about the interface", error))?;
        let hardware = control.hardware(name).map_err(|_| missing())?;
        Ok(Self { name: name.to_owned(), number, control, hardware })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.hardware == libc::ARPHRD_LOOPBACK
    }

    /// How its frames begin. Loopback has Ethernet headers with zero addresses.
    pub(super) fn link(&self) -> Result<LinkType, CaptureError> {
        match self.hardware {
            libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => Ok(LinkType::Ethernet),
            libc::ARPHRD_NONE | libc::ARPHRD_PPP | ARPHRD_RAWIP => Ok(LinkType::RawIp),
            hardware => Err(CaptureError::LinkNotRead { interface: self.name.clone(), hardware }),
        }
    }

    /// Refuses an interface that is down, and unless `own` one that could transmit.
    pub(super) fn check(&self, own: bool) -> Result<(), CaptureError> {
        self.link()?;
        let flags = self.flags()?;
        if !own {
            let faults = self.faults(flags)?;
            if !faults.what.is_empty() {
                return Err(self.could_transmit(&faults));
            }
        }
        match flags & libc::IFF_UP {
            0 => Err(CaptureError::Down { interface: self.name.clone() }),
            _ => Ok(()),
        }
    }

    /// Takes from the interface what could transmit, then brings it up. Down first: an interface that is up says
    /// goodbye to its multicast groups when IPv6 is switched off (RFC 3810). IPv6 off before up: it announces itself
    /// at once (RFC 4861). Not for the machine's own way to the network: a slip of the keyboard would cut it off.
    pub(super) fn prepare(&self) -> Result<(), CaptureError> {
        let routes = |path| fs::read_to_string(path).unwrap_or_default();
        if carries_default_route(&routes("/proc/net/route"), &routes("/proc/net/ipv6_route"), &self.name) {
            return Err(CaptureError::OwnWayOut { interface: self.name.clone() });
        }
        let flags = (self.flags()? & !libc::IFF_UP) | libc::IFF_NOARP;
        self.set_flags(flags, "taking the interface down and ARP off")?;
        let ipv6 = format!("/proc/sys/net/ipv6/conf/{}/disable_ipv6", self.name);
        if Path::new(&ipv6).exists() {
            fs::write(&ipv6, "1").map_err(|error| self.unprepared("switching IPv6 off", error))?;
        }
        self.remove_addresses()?;
        self.set_flags(flags | libc::IFF_UP, "bringing the interface up")
    }

    fn remove_addresses(&self) -> Result<(), CaptureError> {
        for _ in 0..ADDRESSES_REMOVED_MAX {
            let addresses = self.addresses().map_err(|error| self.unprepared("listing addresses", error))?;
            let Some(ipv4) = addresses.iter().find(|address| address.address.is_ipv4()) else { break };
            let removed = self.control.remove_ipv4(&ipv4.label);
            removed.map_err(|error| self.unprepared("removing an address", error))?;
        }
        Ok(())
    }

    fn set_flags(&self, flags: i32, doing: &'static str) -> Result<(), CaptureError> {
        self.control.set_flags(&self.name, flags).map_err(|error| self.unprepared(doing, error))
    }

    fn flags(&self) -> Result<i32, CaptureError> {
        self.control
            .flags(&self.name)
            .map_err(|error| failed(&self.name, "asking for the interface's flags", error))
    }

    fn addresses(&self) -> io::Result<Vec<netdevice::InterfaceAddress>> {
        let mut addresses = netdevice::addresses()?;
        addresses.retain(|address| address.label.split(':').next() == Some(&self.name));
        Ok(addresses)
    }

    fn faults(&self, flags: i32) -> Result<Faults, CaptureError> {
        let name = &self.name;
        let mut faults = Faults::default();
        if let Some(fault) = ipv6_fault(Path::new("/proc/sys/net"), name) {
            faults.add(fault, format!("sudo sysctl -w net/ipv6/conf/{name}/disable_ipv6=1"));
        }
        let addresses = self.addresses().map_err(|error| failed(name, "listing addresses", error))?;
        if !addresses.is_empty() {
            faults.add(named_addresses(&addresses), format!("sudo ip address flush dev {name}"));
        }
        if flags & libc::IFF_NOARP == 0 {
            faults.add("answers ARP".to_owned(), format!("sudo ip link set {name} arp off"));
        }
        match uppers(Path::new("/sys/class/net"), name, self.number) {
            Some(uppers) => uppers.iter().for_each(|upper| {
                let fix = format!(
                    "sudo ip link set {name} nomaster   (a VLAN or tunnel: sudo ip link delete {upper})"
                );
                faults.add(format!("carries {upper}"), fix);
            }),
            None => faults.add(
                "may carry bridges or VLANs (/sys does not show this network namespace)".to_owned(),
                format!(
                    "mount -t sysfs sysfs /sys   (as ip netns exec does), and check: ls /sys/class/net/{name}"
                ),
            ),
        }
        Ok(faults)
    }

    fn could_transmit(&self, faults: &Faults) -> CaptureError {
        let fixes: Vec<_> = faults.fixes.iter().map(|fix| format!("  {fix}")).collect();
        CaptureError::CouldTransmit {
            interface: self.name.clone(),
            faults: list(&faults.what),
            fixes: fixes.join("\n"),
            way_out: "or let ward do that: --prepare-interface; to listen on this machine's own interface: --own-interface",
        }
    }

    fn unprepared(&self, doing: &'static str, source: io::Error) -> CaptureError {
        failed(&self.name, doing, source)
    }
}

impl Faults {
    fn add(&mut self, what: String, fix: String) {
        self.what.push(what);
        self.fixes.push(fix);
    }
}

/// Why IPv6 could transmit on the interface, if it could. "Could not look" is a fault, too.
pub(super) fn ipv6_fault(sysctl_net: &Path, name: &str) -> Option<String> {
    let setting = sysctl_net.join("ipv6/conf").join(name).join("disable_ipv6");
    match fs::read_to_string(setting) {
        Ok(value) if value.trim() == "1" => None,
        Ok(_) => Some("has IPv6 enabled".to_owned()),
        // A system without IPv6 has the rest of the tree, and only that is missing.
        Err(_) if sysctl_net.join("core").exists() && !sysctl_net.join("ipv6").exists() => None,
        Err(error) => Some(format!("may have IPv6 enabled (its setting cannot be read: {error})")),
    }
}

/// Whether the way to everywhere leads through the interface, by /proc/net/route and /proc/net/ipv6_route: there the
/// destination and mask (or prefix length) are zero.
pub(super) fn carries_default_route(ipv4: &str, ipv6: &str, name: &str) -> bool {
    let fields = |line: &'_ str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let ipv4 = ipv4.lines().map(fields).any(|route| match route.as_slice() {
        [interface, destination, _, _, _, _, _, mask, ..] => {
            interface == name && destination == "00000000" && mask == "00000000"
        }
        _ => false,
    });
    let ipv6 = ipv6.lines().map(fields).any(|route| match route.as_slice() {
        [destination, prefix, .., interface] => {
            interface == name && prefix == "00" && destination.bytes().all(|digit| digit == b'0')
        }
        _ => false,
    });
    ipv4 || ipv6
}

/// Interfaces stacked on this one (a bridge, a bond, VLANs): what they send leaves here. `None` where /sys belongs to
/// another network namespace.
pub(super) fn uppers(class_net: &Path, name: &str, number: u32) -> Option<Vec<String>> {
    let directory = class_net.join(name);
    let shown: u32 = fs::read_to_string(directory.join("ifindex")).ok()?.trim().parse().ok()?;
    if shown != number {
        return None;
    }
    let entries = fs::read_dir(directory).ok()?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut uppers: Vec<_> =
        names.filter_map(|name| name.strip_prefix("upper_").map(str::to_owned)).collect();
    uppers.sort_unstable();
    Some(uppers)
}

fn named_addresses(addresses: &[netdevice::InterfaceAddress]) -> String {
    let named: Vec<_> =
        addresses.iter().take(ADDRESSES_NAMED_MAX).map(|address| address.address.to_string()).collect();
    let mut text = format!("has the address {}", list(&named));
    let more = addresses.len().saturating_sub(ADDRESSES_NAMED_MAX);
    if more > 0 {
        // Writing to a String cannot fail.
        let _ = write!(text, " and {more} more");
    }
    text
}

/// "a", "a and b", "a, b and c".
fn list(items: &[String]) -> String {
    match items.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => items.concat(),
    }
}

fn failed(name: &str, doing: &'static str, source: io::Error) -> CaptureError {
    let interface = name.to_owned();
    match source.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => CaptureError::NotPermitted { interface },
        Some(libc::EROFS) => CaptureError::System {
            interface,
            doing,
            source,
            way_out: "/proc/sys is read-only here (a container?): change it on the host",
        },
        _ => {
            CaptureError::System { interface, doing, source, way_out: "check it with: ip -details link show" }
        }
    }
}
