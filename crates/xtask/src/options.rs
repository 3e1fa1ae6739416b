//! Arguments of a verb: `--name value`, `--flag` and plain words.

use anyhow::{Result, bail};
use std::collections::BTreeMap;

/// What followed the verb.
#[derive(Debug, Default)]
pub(crate) struct Options {
    named: BTreeMap<String, String>,
    flags: Vec<String>,
    plain: Vec<String>,
}

impl Options {
    /// Reads `arguments`; `valued` take a value (`--name value` or `--name=value`), `flags` do not.
    pub(crate) fn read(arguments: &[String], valued: &[&str], flags: &[&str]) -> Result<Self> {
        let mut options = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let Some(name) = argument.strip_prefix("--") else {
                options.plain.push(argument.clone());
                continue;
            };
            let (name, attached) =
                name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value)));
            if flags.contains(&name) && attached.is_none() {
                options.flags.push(name.to_owned());
            } else if valued.contains(&name) {
                let Some(value) = attached.map(str::to_owned).or_else(|| rest.next().cloned()) else {
                    bail!("--{name} needs a value");
                };
                options.named.insert(name.to_owned(), value);
            } else {
                let known: Vec<_> = valued.iter().chain(flags).map(|name| format!("--{name}")).collect();
                bail!("--{name} is unknown here; known: {}", known.join(", "));
            }
        }
        Ok(options)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.flags.iter().any(|flag| flag == name)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.named.get(name).map(String::as_str)
    }

    pub(crate) fn number(&self, name: &str, default: u64) -> Result<u64> {
        match self.text(name) {
            None => Ok(default),
            Some(text) => match text.replace('_', "").parse() {
                Ok(number) => Ok(number),
                Err(_) => bail!("--{name} {text}: not a whole number"),
            },
        }
    }

    /// A comma-separated list; empty when absent.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        self.text(name)
            .map(|text| text.split(',').map(|part| part.trim().to_owned()).collect())
            .unwrap_or_default()
    }

    /// The one plain word that the verb needs.
    pub(crate) fn word(&self, what: &str) -> Result<&str> {
        match self.plain.as_slice() {
            [word] => Ok(word),
            [] => bail!("say which {what}"),
            [_, extra, ..] => bail!("`{extra}` is one word too many"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::read(&arguments, &["only", "packets"], &["long"])
    }

    #[test]
    fn reads_values_flags_and_words() {
        let options = read("--only a,b --packets=5_000 --long dns").unwrap();
        assert_eq!(options.list("only"), ["a", "b"]);
        assert_eq!(options.number("packets", 1).unwrap(), 5000);
        assert!(options.flag("long"));
        assert_eq!(options.word("noun").unwrap(), "dns");
    }

    #[test]
    fn names_what_it_does_not_know() {
        assert!(read("--lnog").unwrap_err().to_string().contains("--long"));
        assert!(read("--only").is_err());
        assert!(read("--packets many").unwrap().number("packets", 1).is_err());
        assert!(read("a b").unwrap().word("noun").is_err());
    }
}
