//! `monarc-stats client view-link …`

use super::{bad, store, store_to_read};
use crate::commands::args::{ViewLinkAction, ViewLinkCreate, ViewLinkList};
use crate::config::{self, Config};
use crate::error::{Error, Kind, Result};
use crate::model::Token;
use crate::service::first_client::moment;
use crate::store::Store;
use crate::store::view_links::ViewLink;
use crate::terminal::{say, show};
use serde_json::json;

/// Letters that a note may have.
const LONGEST_NOTE: usize = 255;

/// Runs one of them.
pub fn run(config: &Config, action: ViewLinkAction) -> Result<()> {
    match action {
        ViewLinkAction::Create(command) => create(config, &store(config)?, &command),
        ViewLinkAction::List(command) => list(&store_to_read(config)?, &command),
        ViewLinkAction::Revoke(command) => {
            store(config)?.revoke_view_link(command.id)?;
            say(&format!("view link {} has ended", command.id))
        }
    }
}

fn create(config: &Config, store: &Store, command: &ViewLinkCreate) -> Result<()> {
    let client = store.client(&command.client)?;
    let expires_at = expires_at(&command.expires).map_err(bad("--expires"))?;
    if command.note.chars().count() > LONGEST_NOTE || command.note.chars().any(char::is_control) {
        return Err(Error::invalid(format!("--note: it has at most {LONGEST_NOTE} characters, all on one line")));
    }
    let token = Token::random_for_link()
        .map_err(|error| Error::new(Kind::Internal, "no random numbers can be had").because(error))?;
    let id = store.create_view_link(&client, &token, &command.note, expires_at)?;
    let (url, end) = (config.view_url(), ending(expires_at));
    let text = format!("Number: {id}\nClient: {}\nEnds: {end}\nLink: {url}/v/{}/", client.name, token.reveal());
    // A link that nobody has seen is none.
    show(&text).inspect_err(|_| drop(store.revoke_view_link(id)))
}

/// The moment after such a time, in seconds since 1970; none for one that never comes.
fn expires_at(text: &str) -> std::result::Result<Option<i64>, String> {
    if text == "never" {
        return Ok(None);
    }
    let span = config::period(text).map_err(|reason| format!("{reason}, or never"))?;
    let end = jiff::Timestamp::now().checked_add(span).map_err(|_| "that is beyond every calendar: say never")?;
    Ok(Some(end.as_second()))
}

fn ending(expires_at: Option<i64>) -> String {
    expires_at.map_or_else(|| "never".to_owned(), moment)
}

fn list(store: &Store, command: &ViewLinkList) -> Result<()> {
    let links = store.view_links()?;
    if command.json {
        let described = |link: &ViewLink| {
            json!({
                "number": link.id,
                "client": link.client,
                "note": link.note,
                "created_at": moment(link.created_at),
                "expires_at": link.expires_at.map(moment),
            })
        };
        return say(&serde_json::Value::Array(links.iter().map(described).collect()).to_string());
    }
    let now = jiff::Timestamp::now().as_second();
    for link in &links {
        let word = if link.is_expired(now) { "ended" } else { "ends" };
        let (id, end) = (link.id, ending(link.expires_at));
        let line =
            format!("{id:>4}  {word} {end:<20}  made {}  {}  {}", moment(link.created_at), link.client, link.note);
        say(line.trim_end())?;
    }
    Ok(())
}
