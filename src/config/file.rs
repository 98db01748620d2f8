//! The settings of an installed service: what its unit gives it is read here too, so that a command that an administrator
//! types works on the store and the port of the service.

use std::collections::BTreeMap;

/// Where Debian's package keeps them.
pub const FILE: &str = "/etc/monarc-stats/monarc-stats.env";

/// What a file sets.
#[derive(Default)]
pub(super) struct Variables {
    /// Values by name; the last one holds.
    pub(super) values: BTreeMap<String, String>,
    /// The line of each name.
    pub(super) lines: BTreeMap<String, usize>,
    /// Lines that set nothing and are no comments.
    pub(super) others: Vec<usize>,
}

impl Variables {
    /// Reads lines of `NAME=value`, the value perhaps in quotes; what begins with `#` or `;` is a comment. So does systemd
    /// read an `EnvironmentFile=`, which also knows backslashes and continued lines.
    pub(super) fn read(text: &str) -> Self {
        let mut found = Self::default();
        // An editor of another system may have put a byte-order mark first.
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim).zip(1..);
        for (line, number) in lines.filter(|(line, _)| !line.is_empty() && !line.starts_with(['#', ';'])) {
            match line.split_once('=') {
                Some((name, value)) => {
                    found.values.insert(name.trim().to_owned(), unquoted(value.trim()).to_owned());
                    found.lines.insert(name.trim().to_owned(), number);
                }
                None => found.others.push(number),
            }
        }
        found
    }
}

fn unquoted(value: &str) -> &str {
    let inside = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_a_unit_reads_them() {
        let text = "# PORT=1\n; PORT=2\n\nPORT = 5000\nADMIN_URL=\"https://x.example/?a=b\"\nMOSP_URL=\nnothing\nPORT=5001\nX='\n";
        let Variables { values: found, lines, others } = Variables::read(text);
        assert_eq!((lines["PORT"], others), (8, vec![7]));
        let expected = [("ADMIN_URL", "https://x.example/?a=b"), ("MOSP_URL", ""), ("PORT", "5001"), ("X", "'")];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }
}
