//! Clients: who may send stats, and the tokens they show.

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What a client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sends its stats and reads them back.
    User,
    /// Reads everybody's stats and manages clients.
    Admin,
}

impl Role {
    /// The role of this name.
    pub fn parse(name: &str) -> Result<Self, String> {
        match name {
            "user" => Ok(Self::User),
            "admin" => Ok(Self::Admin),
            _ => Err(format!("{name:?} is no role: choose user or admin")),
        }
    }

    /// Its name, as commands and the store write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }

    /// Its number as text, as the API writes it.
    pub fn number(self) -> &'static str {
        match self {
            Self::User => "1",
            Self::Admin => "2",
        }
    }
}

/// A place on the map, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Location {
    /// -90 to 90, north is positive.
    pub latitude: f64,
    /// -180 to 180, east is positive.
    pub longitude: f64,
}

impl Location {
    /// A place, if both numbers are on the globe.
    pub fn new(latitude: f64, longitude: f64) -> Result<Self, String> {
        if !(-90.0..=90.0).contains(&latitude) {
            return Err(format!("latitude {latitude} is not between -90 and 90"));
        }
        if !(-180.0..=180.0).contains(&longitude) {
            return Err(format!("longitude {longitude} is not between -180 and 180"));
        }
        Ok(Self { latitude, longitude })
    }
}

/// A client as the store knows it. Its token is not among what the store knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    /// Key inside the store.
    pub id: i64,
    /// Public identity.
    pub uuid: Uuid,
    /// Unique name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Whether its stats may be pushed to another instance.
    pub is_sharing_enabled: bool,
    /// Whether its token is accepted.
    pub is_active: bool,
    /// Whether it belongs to this instance rather than to one whose stats were pulled.
    pub is_local: bool,
    /// Where the map shows it.
    pub location: Option<Location>,
    /// When it was made, in seconds since 1970.
    pub created_at: i64,
    /// The group whose one vote in releases it shares.
    pub group: Option<String>,
}

/// A secret that a client shows in `X-API-KEY`. Its text never appears in logs: there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Characters below which a token is short: it might be guessed.
    pub const SHORT: usize = 16;

    /// What the store keeps of the two tokens that anybody can read in MONARC's repositories: of its virtual machine and
    /// the reference's compose file, and of the front office's environment for development. Images carry them still.
    pub const PUBLISHED: [&str; 2] = [
        "DA7451361668786C030B68311E644DC3DC5C317E49CBAD1BCFA6A2291D7E1D67",
        "B4E2B0C43BD05373EC082781F5AF9FAEAEA54DBAFCD0F21D142616FB19C54B9F",
    ];
    /// How to get rid of one without losing a day: what a front office sends again replaces what it sent of that day.
    pub const REPLACE_PUBLISHED: &str = "after a night's collection, 'monarc-stats client rotate-token' (or another \
        ADMIN_TOKEN, if it is that), put the new token into 'apiKey' of each front office that has the old one, and run its \
        'php bin/console monarc:collect-stats' once by hand: no day is lost";

    /// What to say of a client that has one.
    pub fn is_published(name: &str) -> String {
        format!("the token of client {name:?} is published in MONARC's repositories: anybody may know it")
    }

    /// A token that can travel in a header: 1 to 512 visible ASCII characters.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("a token cannot be empty".into());
        }
        if text.len() > 512 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("a token is 1 to 512 ASCII letters, digits and signs without spaces".into());
        }
        Ok(Self(text.into()))
    }

    /// The same for one that is chosen now, which nobody should guess: at least [`Self::SHORT`] characters.
    pub fn chosen(text: &str) -> Result<Self, String> {
        match Self::is_short(text) {
            true => Err(format!("a new token has at least {} characters", Self::SHORT)),
            false => Self::new(text),
        }
    }

    /// A fresh one of 64 URL-safe letters; the error is the system's random source.
    pub fn random() -> Result<Self, getrandom::Error> {
        random::<64>().map(Self)
    }

    /// One for a link, which people copy: 22 letters, 132 bits.
    pub fn random_for_link() -> Result<Self, getrandom::Error> {
        random::<22>().map(Self)
    }

    /// The secret itself, for the one moment it is shown to its owner.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it might be guessed.
    pub fn is_short(text: &str) -> bool {
        text.len() < Self::SHORT
    }

    /// What the store keeps of a token.
    pub fn hash(text: &str) -> [u8; 32] {
        Sha256::digest(text).into()
    }
}

/// So many random letters of 6 bits each.
fn random<const N: usize>() -> Result<String, getrandom::Error> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 64)])).collect())
}

/// Checks a client's name: 1 to 255 characters, none of them a control character.
pub fn check_name(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("a name cannot be empty".into());
    }
    if name.chars().count() > 255 || name.chars().any(char::is_control) {
        return Err("a name is at most 255 characters, none of them a control character".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_fit_a_header() {
        assert!(Token::new("abc-DEF_123").is_ok());
        for text in ["", "a b", "é", "line\nbreak", &"x".repeat(513)] {
            assert!(Token::new(text).is_err(), "{text}");
        }
        assert_ne!(Token::random().unwrap().reveal(), Token::random().unwrap().reveal());
        assert_eq!(Token::random().unwrap().reveal().len(), 64);
    }

    #[test]
    fn places_are_on_the_globe() {
        assert!(Location::new(49.6, 6.1).is_ok());
        for (latitude, longitude) in [(90.1, 0.0), (0.0, -180.5), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert!(Location::new(latitude, longitude).is_err());
        }
    }
}
