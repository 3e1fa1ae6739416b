//! Which columns a block has, in their order: said once, for writing and for reading.

use super::BlockError;
use super::bytes::Bytes;
use super::column;

macro_rules! groups {
    ($($(#[$doc:meta])* $group:ident { $($(#[$column_doc:meta])* $column:ident,)* })*) => {
        $($(#[$doc])*
        pub(super) struct $group {
            $($(#[$column_doc])* pub(super) $column: Vec<i64>,)*
        }

        impl $group {
            /// With room for so many lines.
            pub(super) fn with_capacity(lines: usize) -> Self {
                Self { $($column: Vec::with_capacity(lines),)* }
            }

            /// Appends the columns.
            pub(super) fn put(&self, out: &mut Vec<u8>) {
                $(column::put(out, &self.$column);)*
            }

            /// Reads columns of so many lines; the caller has bounded them.
            pub(super) fn take(bytes: &mut Bytes<'_>, lines: usize) -> Result<Self, BlockError> {
                Ok(Self { $($column: column::take(bytes, lines)?,)* })
            }
        })*
    };
}

groups! {
    /// What every record has; its times follow as two columns of their own.
    Headers {
        /// `number::FACT` and so on.
        kind,
        schema,
        site,
        sensor,
        /// Minus that of the record before of a sensor in the same slot.
        sequence,
    }
    /// Different endpoints, by first mention; their addresses follow, each family in columns of its own.
    Endpoints {
        site,
        domain,
        /// 0 for none.
        vlan,
        /// `number::MAC` and so on.
        family,
    }
    /// Different pairs of endpoint and IP address that were ends of flows; the addresses that are not their endpoint's follow.
    Parties {
        /// Place of the endpoint, minus that of the party before.
        endpoint,
        /// `number::SAME`, or a family.
        family,
    }
    /// Different services.
    Services {
        /// Place of the protocol.
        protocol,
        /// See `number::transport`.
        transport,
        port,
    }
    /// Facts.
    Facts {
        endpoint,
        attribute,
        /// Place of the text.
        value,
        /// Place of the protocol.
        source,
    }
    /// Events.
    Events {
        endpoint,
        /// Place of the peer and one more; 0 for none.
        peer,
        kind,
        protocol,
        /// Place of the text.
        detail,
    }
    /// Activities; their spans follow.
    Activities {
        endpoint,
        peer,
        /// 1: the sender is the server.
        role,
        /// Place of the service.
        service,
        /// Place of the text.
        verb,
        count,
        bytes,
        retransmitted_bytes,
        gap_bytes,
    }
    /// Flows; their durations follow.
    Flows {
        /// How many parties back this one was first mentioned; 0: it is the next one.
        client,
        server,
        /// Place of the service.
        service,
        client_port,
        /// See `number::flow_flags`.
        flags,
        client_packets,
        client_bytes,
        client_retransmitted_bytes,
        client_gap_bytes,
        server_packets,
        server_bytes,
        server_retransmitted_bytes,
        server_gap_bytes,
        duplicate_packets,
    }
    /// Coverage.
    Coverages {
        frames,
        bytes,
        cut_frames,
        /// 1: `dropped_frames` is known.
        tells_dropped,
        dropped_frames,
        duplicate_frames,
        flows,
        flows_without_start,
        flows_one_sided,
        flows_evicted,
        gap_bytes,
        /// Lines of [`UnparsedLines`] that belong to it.
        unparsed,
        /// Lines of [`VlanLines`] that belong to it.
        vlans,
    }
    /// What could not be read.
    UnparsedLines {
        protocol,
        reason,
        count,
    }
    /// Frames by VLAN.
    VlanLines {
        vlan,
        frames,
    }
}
