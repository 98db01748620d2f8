//! The client that a new store begins with, and the six lines in which a new client is told.

use crate::error::{Error, Kind, Result};
use crate::model::{Client, Role, Token};
use crate::store::Store;
use crate::store::clients::NewClient;
use crate::terminal::show;

/// Makes the client of a new store, and prints what `client create` would: nobody can read its token later.
pub fn make(store: &Store, name: &str) -> Result<()> {
    let token = Token::random()
        .map_err(|error| Error::new(Kind::Internal, "there are no random numbers for a token").because(error))?;
    let new = NewClient { uuid: None, name, token: &token, role: Role::User, is_sharing_enabled: false };
    create(store, &new, |client| as_text(client, &token))
}

/// Makes a client and tells of it; where that cannot be read there is no client.
///
/// # Errors
/// Those of the store, and `Unavailable` if standard output cannot be written.
pub fn create(store: &Store, new: &NewClient<'_>, told: impl FnOnce(&Client) -> String) -> Result<()> {
    let client = store.create_client(new)?;
    show(&told(&client)).inspect_err(|_| {
        if let Err(error) = store.delete_client(&client) {
            log::error!("the client {:?} was made, and nobody has seen its token: {}", client.name, error.chain());
        }
    })
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
