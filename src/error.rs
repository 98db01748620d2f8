//! The one error type: a kind for machines, a sentence for people, and the cause for the operator's log.
//!
//! It knows neither HTTP nor SQLite: the API turns kinds into statuses, `main` into exit codes.

use std::error::Error as StdError;
use std::fmt;

/// Letters of a cause that are told: a parser's may hold all that somebody else's server said.
const LONGEST: usize = 300;

/// What sort of failure it is, for whoever has to react to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The caller gave something unusable, and the message names it.
    Invalid,
    /// Nothing of that name exists.
    NotFound,
    /// It exists already, or somebody else holds it.
    Conflict,
    /// Somebody else is using the store; worth another try.
    Busy,
    /// The disk has no room left.
    Full,
    /// The store cannot be read or written at the moment.
    Unavailable,
    /// Anything else: a fault of this program or its machine.
    Internal,
}

/// A failure. `Display` gives the sentence alone; [`Error::chain`] adds the causes.
#[derive(Debug)]
pub struct Error {
    /// For machines.
    pub kind: Kind,
    /// For people: one sentence that says what to do or what to look at.
    pub message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The result of anything here that can fail.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A failure without a deeper cause.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Unusable input; `message` names what and why.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// The same failure, caused by `source`.
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The sentence and its causes on one line, for the log.
    pub fn chain(&self) -> String {
        let mut text = self.message.clone();
        let mut cause = self.source();
        while let Some(error) = cause {
            let mut reason = error.to_string();
            if let Some((end, _)) = reason.char_indices().nth(LONGEST) {
                reason.truncate(end);
                reason.push('…');
            }
            // Some errors say what their cause says.
            if !text.ends_with(&reason) {
                text.push_str(": ");
                text.push_str(&reason);
            }
            cause = error.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let denied = || std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let inner = Error::new(Kind::Unavailable, "the file cannot be opened: permission denied").because(denied());
        assert_eq!(
            Error::new(Kind::Internal, "no log").because(inner).chain(),
            "no log: the file cannot be opened: permission denied"
        );
    }

    /// Bug: a server that sent one long text filled log, mail and store with it.
    #[test]
    fn of_a_long_cause_the_beginning_is_told() {
        let error = Error::new(Kind::Unavailable, "it cannot be read").because("é".repeat(1 << 20));
        assert_eq!(error.chain(), format!("it cannot be read: {}…", "é".repeat(LONGEST)));
    }
}
