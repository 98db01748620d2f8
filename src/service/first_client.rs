//! The client that a new store begins with, and the six lines in which a new client is told.

use crate::error::{Error, Kind, Result};
use crate::model::{Client, Role, Token};
use crate::store::Store;
use crate::store::clients::NewClient;
use crate::terminal::say;

/// Makes the client of a new store, and prints what `client create` would: nobody can read its token later.
pub fn make(store: &Store, name: &str) -> Result<()> {
    let token = Token::random()
        .map_err(|error| Error::new(Kind::Internal, "there are no random numbers for a token").because(error))?;
    let client = store.create_client(&NewClient {
        uuid: None,
        name,
        token: &token,
        role: Role::User,
        is_sharing_enabled: false,
    })?;
    say(&as_text(&client, &token))
}

/// Deployment scripts cut the token out of the line that begins with `Token: `.
pub fn as_text(client: &Client, token: &Token) -> String {
    format!(
        "UUID: {}\nName: {}\nRole: {}\nToken: {}\nSharing Enabled: {}\nCreated at: {}",
        client.uuid,
        client.name,
        client.role.number(),
        token.reveal(),
        if client.is_sharing_enabled { "True" } else { "False" },
        moment(client.created_at)
    )
}

/// A moment, in seconds since 1970, as RFC 3339 has it.
pub fn moment(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |moment| moment.to_string())
}
