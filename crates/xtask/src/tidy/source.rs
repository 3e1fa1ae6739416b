//! Rust source as the rules see it: code without comments, strings and tests. Crude on purpose: it reads our own,
//! formatted sources, not the language.

/// `source` with comments and the insides of string and character literals blanked out; lines and columns stay.
pub(crate) fn code_only(source: &str) -> String {
    let mut scanner = Scanner { rest: source, out: String::with_capacity(source.len()) };
    while let Some(c) = scanner.rest.chars().next() {
        scanner.step(c);
    }
    scanner.out
}

struct Scanner<'a> {
    rest: &'a str,
    out: String,
}

impl<'a> Scanner<'a> {
    fn step(&mut self, c: char) {
        let after_word = self.out.chars().next_back().is_some_and(is_word);
        if self.rest.starts_with("//") {
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.blank(end);
        } else if self.rest.starts_with("/*") {
            self.blank(block_comment_bytes(self.rest));
        } else if c == '"' {
            self.literal(string_bytes(self.rest));
        } else if !after_word && let Some((open, bytes)) = raw_string(self.rest) {
            self.keep(open);
            self.literal(bytes);
        } else if c == '\''
            && let Some(bytes) = character_bytes(self.rest)
        {
            self.literal(bytes);
        } else {
            self.keep(c.len_utf8());
        }
    }

    fn keep(&mut self, bytes: usize) {
        let (kept, rest) = self.split(bytes);
        self.out.push_str(kept);
        self.rest = rest;
    }

    fn blank(&mut self, bytes: usize) {
        let (gone, rest) = self.split(bytes);
        self.out.extend(gone.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        self.rest = rest;
    }

    /// Keeps the quotes, blanks what is between.
    fn literal(&mut self, bytes: usize) {
        self.keep(1);
        self.blank(bytes.saturating_sub(2));
        self.keep(1);
    }

    fn split(&self, bytes: usize) -> (&'a str, &'a str) {
        self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""))
    }
}

fn block_comment_bytes(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(here) = rest.get(at..).filter(|here| !here.is_empty()) {
        let (bytes, change) = match here {
            open if open.starts_with("/*") => (2, 1),
            close if close.starts_with("*/") => (2, -1),
            other => (other.chars().next().map_or(1, char::len_utf8), 0),
        };
        at += bytes;
        depth = depth.saturating_add_signed(change);
        if depth == 0 {
            break;
        }
    }
    at
}

fn string_bytes(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `r"…"`, `r#"…"#`, `br"…"`: bytes before the quote, and bytes of the quoted part (hashes after it stay as code).
fn raw_string(rest: &str) -> Option<(usize, usize)> {
    let after_r = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = after_r.bytes().take_while(|byte| *byte == b'#').count();
    let body = after_r.get(hashes..)?.strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let inside = body.find(&close)?;
    let open = rest.len() - after_r.len() + hashes;
    Some((open, inside + 2))
}

/// A character literal; `None` for a lifetime.
fn character_bytes(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first != '\\' {
        return chars.next().filter(|(_, c)| *c == '\'').map(|(at, _)| at + 1);
    }
    chars.next()?;
    chars.find(|(_, c)| *c == '\'').map(|(at, _)| at + 1)
}

/// `code` (as from [`code_only`]) with everything under `#[cfg(test)]` blanked out.
pub(crate) fn without_tests(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some((before, item)) = rest.split_once("#[cfg(test)]") {
        out.push_str(before);
        let (gone, after) = item.split_at_checked(item_bytes(item)).unwrap_or((item, ""));
        out.extend(gone.chars().filter(|c| *c == '\n'));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Bytes up to the end of the item that starts here: its closing brace, or the semicolon before any brace.
fn item_bytes(item: &str) -> usize {
    match item.find(['{', ';']) {
        Some(at) if item.get(at..).is_some_and(|here| here.starts_with('{')) => {
            at + braces_bytes(item.get(at..))
        }
        Some(at) => at + 1,
        None => item.len(),
    }
}

/// Bytes of the braced block at the front.
fn braces_bytes(block: Option<&str>) -> usize {
    let block = block.unwrap_or("");
    let mut depth = 0_usize;
    for (at, byte) in block.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return at + 1;
        }
    }
    block.len()
}

/// A Rust file that is not wholly a test.
pub(crate) fn is_product(file: &str) -> bool {
    file.ends_with(".rs") && !file.ends_with("/tests.rs") && !file.ends_with("/testing.rs")
}

/// A function and its length.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// 1-based.
    pub(crate) line: usize,
    pub(crate) lines: usize,
}

/// Every function with a body in `code` (as from [`code_only`]).
pub(crate) fn functions(code: &str) -> Vec<Function> {
    word_places(code, "fn")
        .filter_map(|at| {
            let signature = code.get(at + 2..)?;
            let name: String = signature.trim_start().chars().take_while(|c| is_word(*c)).collect();
            let open = body_start(signature)?;
            let bytes = braces_bytes(signature.get(open..));
            let whole = code.get(at..at + 2 + open + bytes)?;
            let line = code.get(..at)?.matches('\n').count() + 1;
            (!name.is_empty()).then(|| Function { name, line, lines: whole.matches('\n').count() + 1 })
        })
        .collect()
}

/// Where the body's brace is; `None` for a declaration or a function type.
fn body_start(signature: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in signature.bytes().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' if depth == 0 => return None,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(at),
            b';' | b'}' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Byte offsets at which `word` stands alone.
pub(crate) fn word_places<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).filter_map(move |(at, found)| {
        let before = code.get(..at)?.chars().next_back();
        let after = code.get(at + found.len()..)?.chars().next();
        let first_is_word = found.chars().next().is_some_and(is_word);
        let last_is_word = found.chars().next_back().is_some_and(is_word);
        let goes_on =
            (first_is_word && before.is_some_and(is_word)) || (last_is_word && after.is_some_and(is_word));
        (!goes_on).then_some(at)
    })
}

/// 1-based line of a byte offset.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_comments_strings_and_characters_but_not_lifetimes() {
        let source =
            "a /* x /* y */ z */ \"un\\\"safe\" b // unsafe\n'c' 'd '\\'' '\\u{41}' r#\"q\"x\"# e<'f>";
        let code = code_only(source);
        assert!(!code.contains("unsafe") && !code.contains('x') && !code.contains('c'), "{code}");
        assert!(code.contains("'d ") && code.contains("e<'f>") && code.contains('b'), "{code}");
        assert_eq!(code.matches('\n').count(), 1);
    }

    #[test]
    fn leaves_tests_out() {
        let code =
            "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() { { } }\n}\n#[cfg(test)]\nmod t;\nfn c() {}";
        let kept = without_tests(code);
        assert!(
            kept.contains("fn a")
                && kept.contains("fn c")
                && !kept.contains("fn b")
                && !kept.contains("mod t")
        );
        assert_eq!(kept.matches('\n').count(), code.matches('\n').count());
    }

    #[test]
    fn measures_functions() {
        let code = "fn a(x: [u8; 3]) -> u8 {\n  1\n}\ntrait T { fn d(); }\ntype F = fn(u8) -> u8;\nfn b() { fn c() {} }";
        let found: Vec<_> = functions(code).into_iter().map(|f| (f.name, f.line, f.lines)).collect();
        let own = |name: &str, line, lines| (name.to_owned(), line, lines);
        assert_eq!(found, [own("a", 1, 3), own("b", 6, 1), own("c", 6, 1)]);
    }

    #[test]
    fn finds_whole_words_only() {
        assert_eq!(
            word_places("unsafe unsafe_code nsunsafe (unsafe)", "unsafe").collect::<Vec<_>>(),
            [0, 29]
        );
        assert_eq!(word_places("std::fs::read my_std::fs", "std::fs").collect::<Vec<_>>(), [0]);
    }
}
