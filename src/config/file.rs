//! The settings of an installed service: what its unit gives it is read here too, so that a command that an administrator
//! types works on the store and the port of the service.

use std::collections::BTreeMap;

/// Where Debian's package keeps them.
pub const FILE: &str = "/etc/monarc-stats/monarc-stats.env";

/// The variables that a file sets: lines of `NAME=value`, the value perhaps in quotes; what begins with `#` or `;` is a
/// comment. So does systemd read an `EnvironmentFile=`, which also knows backslashes and continued lines.
pub(super) fn variables(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']));
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), unquoted(value.trim()).to_owned()))
        .collect()
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
        let found = variables(text);
        let expected = [("ADMIN_URL", "https://x.example/?a=b"), ("MOSP_URL", ""), ("PORT", "5001"), ("X", "'")];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }
}
