//! Not observed yet.
use super::{Context, Datagram};
/// x
pub fn frame(_cx: &mut Context<'_>, _payload: &[u8]) -> Datagram { Datagram::Read }
