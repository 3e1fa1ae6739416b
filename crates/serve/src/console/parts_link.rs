//! Addresses of pages: the one shown with another value in its query.

use axum::http::Uri;

/// Text as a value in a query (RFC 3986 §2.3: what is not unreserved is percent-encoded).
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The address with `name` set to `value`, and all else as it is.
pub(crate) fn with(uri: &Uri, name: &str, value: &str) -> String {
    let others = uri.query().unwrap_or("").split('&').filter(|pair| !pair.is_empty());
    let others = others.filter(|pair| pair.split('=').next() != Some(name));
    let own = format!("{name}={}", encoded(value));
    let query: Vec<&str> = others.chain([own.as_str()]).collect();
    format!("{}?{}", uri.path(), query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_changes_and_the_others_stay() {
        let uri: Uri = "/tasks?state=open&after=x".parse().unwrap();
        assert_eq!(with(&uri, "after", "a&b"), "/tasks?state=open&after=a%26b");
        assert_eq!(with(&"/tasks".parse().unwrap(), "limit", "5"), "/tasks?limit=5");
        assert_eq!(encoded("ä b"), "%C3%A4%20b");
    }
}
