//! Not observed yet.
use super::{Context, Datagram};
/// x
pub fn v4(_cx: &mut Context<'_>, _payload: &[u8]) -> Datagram { Datagram::Read }
/// x
pub fn v6(_cx: &mut Context<'_>, _payload: &[u8], _hop_limit: u8) -> Datagram { Datagram::Read }
