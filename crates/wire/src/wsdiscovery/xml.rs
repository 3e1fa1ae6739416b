//! Just enough XML for announcements: elements by local name, text, no DTD, no entities but the five of XML 1.0 §4.6 and
//! character references, bounded depth and length. What it does not understand it refuses.

use crate::Error;
use memchr::{memchr, memchr2, memchr3, memmem};

/// Deepest nesting of elements.
pub(crate) const DEPTH_MAX: usize = 24;
/// Most tags, texts, comments and instructions in one document.
const TOKENS_MAX: usize = 4_096;

/// A piece of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// An element begins: its local name and depth, 1 for the root.
    Open(&'a [u8], usize),
    /// The element at this depth ends.
    Close(usize),
    /// Text that is not blank, trimmed, entities as they stand.
    Text(&'a [u8]),
}

/// Walks over a document.
#[derive(Clone, Debug)]
pub(crate) struct Scanner<'a> {
    rest: &'a [u8],
    at: usize,
    depth: usize,
    rooted: bool,
    closes: bool,
    tokens_left: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) const fn new(document: &'a [u8]) -> Self {
        Self { rest: document, at: 0, depth: 0, rooted: false, closes: false, tokens_left: TOKENS_MAX }
    }

    /// The next piece; `None` after the end of the root element.
    pub(crate) fn next(&mut self) -> Result<Option<Token<'a>>, Error> {
        if std::mem::take(&mut self.closes) {
            return Ok(Some(self.close()?));
        }
        loop {
            self.tokens_left =
                self.tokens_left.checked_sub(1).ok_or(Error::Limit { what: "XML", max: TOKENS_MAX })?;
            let before = memchr(b'<', self.rest).unwrap_or(self.rest.len());
            let text = self.pass(before)?.trim_ascii();
            if !text.is_empty() && self.depth > 0 {
                return Ok(Some(Token::Text(text)));
            }
            match self.rest {
                [] if self.depth == 0 && self.rooted => return Ok(None),
                [] => return Err(Error::Truncated { what: "XML", at: self.at }),
                [b'<', b'?', ..] => drop(self.pass_to(b"?>")?),
                [b'<', b'!', b'-', b'-', ..] => drop(self.pass_to(b"-->")?),
                [b'<', b'!', b'[', b'C', b'D', b'A', b'T', b'A', b'[', ..] if self.depth > 0 => {
                    let cdata = self.pass_to(b"]]>")?;
                    let text = cdata.get(9..cdata.len().saturating_sub(3)).unwrap_or_default().trim_ascii();
                    if !text.is_empty() {
                        return Ok(Some(Token::Text(text)));
                    }
                }
                [b'<', b'/', ..] => {
                    self.pass_to(b">")?;
                    return Ok(Some(self.close()?));
                }
                [b'<', b'!', ..] => return Err(Error::Malformed { what: "XML declaration", at: self.at }),
                _ => return self.open().map(Some),
            }
        }
    }

    fn open(&mut self) -> Result<Token<'a>, Error> {
        let tag = self.pass_tag()?;
        let inside = tag.get(1..tag.len().saturating_sub(1)).unwrap_or_default();
        self.closes = inside.ends_with(b"/");
        let name = inside.split(|&b| b.is_ascii_whitespace() || b == b'/').next().unwrap_or_default();
        if !name.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_' || *b >= 0x80) {
            return Err(Error::Malformed { what: "XML element", at: self.at.saturating_sub(tag.len()) });
        }
        if self.depth >= DEPTH_MAX {
            return Err(Error::Limit { what: "XML depth", max: DEPTH_MAX });
        }
        self.depth += 1;
        self.rooted = true;
        Ok(Token::Open(local(name), self.depth))
    }

    fn close(&mut self) -> Result<Token<'a>, Error> {
        let depth = self.depth;
        self.depth = depth.checked_sub(1).ok_or(Error::Malformed { what: "XML end tag", at: self.at })?;
        Ok(Token::Close(depth))
    }

    /// Passes over a start tag; a `>` inside an attribute value does not end it.
    fn pass_tag(&mut self) -> Result<&'a [u8], Error> {
        let cut = Error::Truncated { what: "XML element", at: self.at };
        let mut end = 0;
        loop {
            let rest = self.rest.get(end..).ok_or(cut)?;
            let found = memchr3(b'>', b'"', b'\'', rest).ok_or(cut)?;
            end += found + 1;
            match rest.get(found) {
                Some(&quote @ (b'"' | b'\'')) => {
                    let value = self.rest.get(end..).ok_or(cut)?;
                    end += memchr(quote, value).ok_or(cut)? + 1;
                }
                _ => return self.pass(end),
            }
        }
    }

    fn pass_to(&mut self, end: &[u8]) -> Result<&'a [u8], Error> {
        let found = memmem::find(self.rest, end).ok_or(Error::Truncated { what: "XML", at: self.at })?;
        self.pass(found + end.len())
    }

    fn pass(&mut self, bytes: usize) -> Result<&'a [u8], Error> {
        let (passed, rest) =
            self.rest.split_at_checked(bytes).ok_or(Error::Truncated { what: "XML", at: self.at })?;
        self.rest = rest;
        self.at += bytes;
        Ok(passed)
    }
}

/// A qualified name without its prefix.
pub(crate) fn local(name: &[u8]) -> &[u8] {
    name.rsplit(|&b| b == b':').next().unwrap_or(name)
}

/// Writes `raw` text into `room` with its entities resolved; what does not fit is cut off.
pub fn unescape<'r>(raw: &[u8], room: &'r mut [u8]) -> &'r [u8] {
    let mut written = 0;
    let mut rest = raw;
    while let Some((&byte, after)) = rest.split_first() {
        let mut utf8 = [0; 4];
        let (text, next) = match (byte, reference(rest)) {
            (b'&', Some((character, next))) => (character.encode_utf8(&mut utf8).as_bytes(), next),
            _ => (std::slice::from_ref(&byte), after),
        };
        let Some(into) = room.get_mut(written..written + text.len()) else { break };
        into.copy_from_slice(text);
        written += text.len();
        rest = next;
    }
    room.get(..written).unwrap_or_default()
}

/// The character that an entity or character reference at the front of `text` stands for, and what follows it.
fn reference(text: &[u8]) -> Option<(char, &[u8])> {
    let body = text.strip_prefix(b"&")?;
    let head = body.get(..10).unwrap_or(body);
    let end = memchr2(b';', b'&', head)?;
    let (name, rest) = body.split_at_checked(end)?;
    let rest = rest.strip_prefix(b";")?;
    let character = match name {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        [b'#', b'x', digits @ ..] => number(digits, 16)?,
        [b'#', digits @ ..] => number(digits, 10)?,
        _ => return None,
    };
    Some((character, rest))
}

fn number(digits: &[u8], radix: u32) -> Option<char> {
    let digits = std::str::from_utf8(digits).ok()?;
    u32::from_str_radix(digits, radix).ok().and_then(char::from_u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(document: &[u8]) -> Result<Vec<String>, Error> {
        let mut scanner = Scanner::new(document);
        let mut seen = Vec::new();
        while let Some(token) = scanner.next()? {
            seen.push(match token {
                Token::Open(name, depth) => format!("{depth}<{}", String::from_utf8_lossy(name)),
                Token::Close(depth) => format!("{depth}>"),
                Token::Text(text) => String::from_utf8_lossy(text).into_owned(),
            });
        }
        Ok(seen)
    }

    #[test]
    fn walks_elements_by_local_name() {
        let document = b"<?xml version='1.0'?>\n<!-- <x> --><a:b c='1>2' d=\"'\">\n t &amp; u <e/><![CDATA[ <f> ]]></a:b>";
        assert_eq!(walk(document).unwrap(), ["1<b", "t &amp; u", "2<e", "2>", "<f>", "1>"]);
    }

    #[test]
    fn refuses_declarations_and_depth() {
        let bomb = b"<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>";
        assert_eq!(walk(bomb), Err(Error::Malformed { what: "XML declaration", at: 0 }));
        let deep = b"<a>".repeat(DEPTH_MAX + 1);
        assert_eq!(walk(&deep), Err(Error::Limit { what: "XML depth", max: DEPTH_MAX }));
        let long = b"<a>".iter().chain(b"<b/>".repeat(TOKENS_MAX).iter()).copied().collect::<Vec<u8>>();
        assert_eq!(walk(&long), Err(Error::Limit { what: "XML", max: TOKENS_MAX }));
        assert_eq!(walk(b"</a>"), Err(Error::Malformed { what: "XML end tag", at: 4 }));
        assert!(walk(b"<1>").is_err() && walk(b"< a>").is_err() && walk(b"<>").is_err());
    }

    #[test]
    fn every_prefix_is_cut_off() {
        let document = b"<a b='c'><d>e</d><!--f--><![CDATA[g]]></a>";
        assert!(walk(document).is_ok());
        for cut in 0..document.len() {
            assert!(walk(&document[..cut]).is_err(), "{cut} bytes");
        }
    }

    #[test]
    fn resolves_references_within_the_room() {
        let mut room = [0; 16];
        assert_eq!(unescape(b"a&amp;b&#x26;c&#38;&lt;", &mut room), b"a&b&c&<");
        assert_eq!(unescape(b"&nbsp;&amp&;&#xD800;", &mut room), b"&nbsp;&amp&;&#xD");
        assert_eq!(unescape("&#228;".as_bytes(), &mut room), "ä".as_bytes());
        assert_eq!(unescape(&[b'x'; 40], &mut room), [b'x'; 16]);
        assert_eq!(unescape("&#228;".as_bytes(), &mut [0; 1]), b"", "no half characters");
    }
}
