//! Which request a response answers: a short queue without allocation.

use wire::http::{Asked, Scheme};

/// Requests of one conversation whose answers are remembered; a client that sends more ahead gets plain readings.
const REQUESTS_MAX: u32 = 12;
const BITS: u32 = 5;

/// What of a request matters for reading its response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    /// How its response is framed.
    pub(super) asked: Asked,
    /// It showed credentials.
    pub(super) credentials: Option<Scheme>,
    /// Its response may hold patient data.
    pub(super) patient: bool,
}

/// Requests not answered yet, oldest in the lowest bits. INVARIANT: `beyond` counts only while the queue is full or has
/// been since it was last empty, so that order is kept.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Requests {
    bits: u64,
    queued: u32,
    beyond: u32,
}

impl Requests {
    /// Remembers a request.
    pub(super) fn push(&mut self, request: Request) {
        if self.queued == REQUESTS_MAX || self.beyond > 0 {
            self.beyond = self.beyond.saturating_add(1);
            return;
        }
        self.bits |= pack(request) << (self.queued * BITS);
        self.queued += 1;
    }

    /// The oldest request not answered, if one was seen and still known.
    pub(super) fn pop(&mut self) -> Option<Request> {
        if self.queued == 0 {
            self.beyond = self.beyond.saturating_sub(1);
            return None;
        }
        let request = unpack(self.bits);
        self.bits >>= BITS;
        self.queued -= 1;
        Some(request)
    }
}

fn pack(request: Request) -> u64 {
    let asked = match request.asked {
        Asked::Other => 0,
        Asked::Head => 1,
        Asked::Connect => 2,
    };
    let credentials = match request.credentials {
        None | Some(Scheme::Other) => 0,
        Some(Scheme::Basic) => 1 << 2,
        Some(Scheme::Bearer) => 2 << 2,
    };
    asked | credentials | u64::from(request.patient) << 4
}

fn unpack(bits: u64) -> Request {
    let asked = match bits & 3 {
        1 => Asked::Head,
        2 => Asked::Connect,
        _ => Asked::Other,
    };
    let credentials = match bits >> 2 & 3 {
        1 => Some(Scheme::Basic),
        2 => Some(Scheme::Bearer),
        _ => None,
    };
    Request { asked, credentials, patient: bits >> 4 & 1 == 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_order() {
        let mut requests = Requests::default();
        let head = Request { asked: Asked::Head, credentials: Some(Scheme::Bearer), patient: false };
        let get = Request { asked: Asked::Other, credentials: Some(Scheme::Basic), patient: true };
        requests.push(head);
        requests.push(get);
        assert_eq!(requests.pop(), Some(head));
        assert_eq!(requests.pop(), Some(get));
        assert_eq!(requests.pop(), None);
    }

    #[test]
    fn beyond_the_bound_order_is_kept_and_nothing_is_made_up() {
        let mut requests = Requests::default();
        let head = Request { asked: Asked::Head, ..Request::default() };
        for _ in 0..REQUESTS_MAX + 3 {
            requests.push(head);
        }
        for _ in 0..REQUESTS_MAX {
            assert_eq!(requests.pop(), Some(head));
        }
        requests.push(head);
        for _ in 0..4 {
            assert_eq!(requests.pop(), None, "not known any more");
        }
        requests.push(head);
        assert_eq!(requests.pop(), Some(head), "known again");
    }
}
