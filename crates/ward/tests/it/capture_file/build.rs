//! Builders of capture files in either byte order, by the field tables of the standards.

/// Byte order of a file under construction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

pub(super) const ORDERS: [Order; 2] = [Order::Little, Order::Big];

impl Order {
    pub(super) fn u16(self, value: u16) -> [u8; 2] {
        if self == Self::Big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    pub(super) fn u32(self, value: u32) -> [u8; 4] {
        if self == Self::Big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    pub(super) fn u64(self, value: u64) -> [u8; 8] {
        if self == Self::Big { value.to_be_bytes() } else { value.to_le_bytes() }
    }
}

/// A classic file.
pub(super) struct Pcap {
    pub(super) order: Order,
    pub(super) bytes: Vec<u8>,
    kuznetzov: bool,
}

pub(super) const MICROSECONDS: u32 = 0xA1B2_C3D4;
pub(super) const NANOSECONDS: u32 = 0xA1B2_3C4D;
pub(super) const KUZNETZOV: u32 = 0xA1B2_CD34;

impl Pcap {
    pub(super) fn new(order: Order, magic: u32, snaplen: u32, network: u32) -> Self {
        Self::versioned(order, magic, (2, 4), snaplen, network)
    }

    pub(super) fn versioned(
        order: Order,
        magic: u32,
        version: (u16, u16),
        snaplen: u32,
        network: u32,
    ) -> Self {
        let mut bytes = order.u32(magic).to_vec();
        bytes.extend(order.u16(version.0));
        bytes.extend(order.u16(version.1));
        bytes.extend([0; 8]);
        bytes.extend(order.u32(snaplen));
        bytes.extend(order.u32(network));
        Self { order, bytes, kuznetzov: magic == KUZNETZOV }
    }

    pub(super) fn record(mut self, seconds: u32, fraction: u32, frame: &[u8], wire_bytes: u32) -> Self {
        for value in [seconds, fraction, frame.len() as u32, wire_bytes] {
            self.bytes.extend(self.order.u32(value));
        }
        if self.kuznetzov {
            self.bytes.extend([7; 8]);
        }
        self.bytes.extend(frame);
        self
    }

    pub(super) fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend(bytes);
        self
    }
}

/// A pcapng file.
pub(super) struct Pcapng {
    pub(super) order: Order,
    pub(super) bytes: Vec<u8>,
}

impl Pcapng {
    pub(super) fn new(order: Order) -> Self {
        Self { order, bytes: Vec::new() }.section(order)
    }

    pub(super) fn section(mut self, order: Order) -> Self {
        self.order = order;
        let mut body = order.u32(0x1A2B_3C4D).to_vec();
        body.extend(order.u16(1));
        body.extend(order.u16(0));
        body.extend(order.u64(u64::MAX));
        self.block(0x0A0D_0D0A, &body)
    }

    pub(super) fn interface(self, link: u16, snaplen: u32, options: &[(u16, Vec<u8>)]) -> Self {
        let mut body = self.order.u16(link).to_vec();
        body.extend([0; 2]);
        body.extend(self.order.u32(snaplen));
        body.extend(self.options(options));
        self.block(1, &body)
    }

    pub(super) fn enhanced(self, interface: u32, ticks: u64, frame: &[u8], wire_bytes: u32) -> Self {
        self.enhanced_with(interface, ticks, frame, wire_bytes, &[])
    }

    pub(super) fn enhanced_with(
        self,
        interface: u32,
        ticks: u64,
        frame: &[u8],
        wire_bytes: u32,
        options: &[(u16, Vec<u8>)],
    ) -> Self {
        let order = self.order;
        let mut body = order.u32(interface).to_vec();
        for value in [(ticks >> 32) as u32, ticks as u32, frame.len() as u32, wire_bytes] {
            body.extend(order.u32(value));
        }
        body.extend(frame);
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(self.options(options));
        self.block(6, &body)
    }

    pub(super) fn obsolete(self, interface: u16, lost: u16, ticks: u64, frame: &[u8]) -> Self {
        let order = self.order;
        let mut body = order.u16(interface).to_vec();
        body.extend(order.u16(lost));
        for value in [(ticks >> 32) as u32, ticks as u32, frame.len() as u32, frame.len() as u32] {
            body.extend(order.u32(value));
        }
        body.extend(frame);
        self.block(2, &body)
    }

    pub(super) fn simple(self, wire_bytes: u32, frame: &[u8]) -> Self {
        let mut body = self.order.u32(wire_bytes).to_vec();
        body.extend(frame);
        self.block(3, &body)
    }

    pub(super) fn statistics(self, interface: u32, options: &[(u16, Vec<u8>)]) -> Self {
        let mut body = self.order.u32(interface).to_vec();
        body.extend([0; 8]);
        body.extend(self.options(options));
        self.block(5, &body)
    }

    pub(super) fn block(mut self, kind: u32, body: &[u8]) -> Self {
        let padded = body.len().next_multiple_of(4);
        let total = self.order.u32(padded as u32 + 12);
        self.bytes.extend(self.order.u32(kind));
        self.bytes.extend(total);
        self.bytes.extend(body);
        self.bytes.resize(self.bytes.len() + padded - body.len(), 0);
        self.bytes.extend(total);
        self
    }

    fn options(&self, options: &[(u16, Vec<u8>)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (code, value) in options {
            bytes.extend(self.order.u16(*code));
            bytes.extend(self.order.u16(value.len() as u16));
            bytes.extend(value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        if !options.is_empty() {
            bytes.extend([0; 4]);
        }
        bytes
    }
}

/// A frame of so many bytes that differs from others with another seed.
pub(super) fn frame(seed: u32, bytes: usize) -> Vec<u8> {
    (0..bytes as u32)
        .map(|at| (seed.wrapping_mul(0x9E37_79B9).wrapping_add(at.wrapping_mul(31)) >> 3) as u8)
        .collect()
}
