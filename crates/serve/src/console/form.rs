//! A form that somebody sent (application/x-www-form-urlencoded), and the way back to the page it came from.

use super::Failed;
use crate::api::Problem;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Redirect, Response};

/// Fields of a form: more than the devices of one edit.
const FIELDS_MAX: usize = 10_100;
/// Characters of the address of the page to go back to.
const NEXT_CHARS_MAX: usize = 2_200;

/// The fields of a form, in their order; a name may stand several times.
pub(crate) struct Filled(Vec<(String, String)>);

impl Filled {
    /// The first field of that name; empty where there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }

    /// The first field of that name, unless it is empty.
    pub(crate) fn maybe(&self, name: &str) -> Option<String> {
        Some(self.text(name).trim()).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// All fields of that name.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
    }

    /// The number of a row.
    ///
    /// # Errors
    /// [`Problem`] where it is none.
    pub(crate) fn number(&self, name: &str) -> Result<i64, Problem> {
        let number = self.text(name).parse().ok().filter(|number| *number > 0);
        number.ok_or_else(|| Problem::bad(format!("{name} is missing: go back to the page and try again")))
    }

    /// Back to where the form stood (its field `next`), or to `otherwise`.
    pub(crate) fn back(&self, otherwise: &str) -> Response {
        let next = Some(self.text("next")).filter(|next| is_local(next)).unwrap_or(otherwise);
        Redirect::to(next).into_response()
    }
}

/// Whether an address is a page of this console: a path, not another host's.
fn is_local(next: &str) -> bool {
    let fits = next.len() <= NEXT_CHARS_MAX && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    fits && next.strip_prefix('/').is_some_and(|rest| !rest.starts_with('/'))
}

impl<S: Send + Sync> FromRequest<S> for Filled {
    type Rejection = Failed;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failed> {
        let media = request.headers().get(CONTENT_TYPE).and_then(|media| media.to_str().ok());
        if !media.is_some_and(|media| media.starts_with("application/x-www-form-urlencoded")) {
            return Err(Problem::bad("this takes a form of this console").into());
        }
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|error| Problem::new(error.status(), error.body_text()))?;
        let fields: Vec<_> = bytes.split(|byte| *byte == b'&').take(FIELDS_MAX + 1).map(field).collect();
        if fields.len() > FIELDS_MAX {
            return Err(
                Problem::bad(format!("the form has more than {FIELDS_MAX} fields: choose fewer")).into()
            );
        }
        Ok(Self(fields))
    }
}

fn field(bytes: &[u8]) -> (String, String) {
    let mut halves = bytes.splitn(2, |byte| *byte == b'=');
    let mut half = || decoded(halves.next().unwrap_or_default());
    (half(), half())
}

/// Percent-decoded (WHATWG URL §5.1); what is no UTF-8 becomes the replacement character.
fn decoded(bytes: &[u8]) -> String {
    let (mut out, mut rest) = (Vec::with_capacity(bytes.len()), bytes.iter());
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let hex = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
        match (*byte, hex(ahead.next()), hex(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                rest = ahead;
            }
            (b'+', ..) => out.push(b' '),
            (other, ..) => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_browsers_write_them() {
        assert_eq!(field(b"a+b=c%26%C3%A4%0D%0A"), ("a b".into(), "c&ä\r\n".into()));
        assert_eq!(field(b"x=%zz%4=1"), ("x".into(), "%zz%4=1".into()));
        assert_eq!(field(b""), (String::new(), String::new()));
        assert_eq!(field(b"x=%ff"), ("x".into(), "\u{fffd}".into()));
    }

    #[test]
    fn the_way_back_leads_nowhere_else() {
        for local in ["/", "/devices?zone=icu", "/devices/d-00?x=//y"] {
            assert!(is_local(local), "{local}");
        }
        for other in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "javascript:1",
            "/a\nb",
            "/ä",
            "devices",
        ] {
            assert!(!is_local(other), "{other}");
        }
    }
}
