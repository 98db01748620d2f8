//! `monarc-stats client …`

use super::{bad, store, store_or_new, store_to_read, view_link};
use crate::commands::args::{ClientAction, ClientCreate, ClientList};
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::model::client::{Location, check_name};
use crate::model::text::counted;
use crate::model::{Client, Role, Token, parse_uuid};
use crate::service::first_client;
use crate::store::Store;
use crate::store::clients::NewClient;
use crate::terminal::{confirm, read_line, say, show};
use serde_json::json;

/// Runs one of them.
pub fn run(config: &Config, action: ClientAction) -> Result<()> {
    if let ClientAction::Create(command) = action {
        return create(config, &store_or_new(config, command.new_store)?, &command);
    }
    if let ClientAction::ViewLink(command) = action {
        return view_link::run(config, command.action);
    }
    let store = match &action {
        ClientAction::List(_) => store_to_read(config)?,
        _ => store(config)?,
    };
    match action {
        ClientAction::Create(_) | ClientAction::ViewLink(_) => Ok(()),
        ClientAction::List(command) => list(&store, &command),
        ClientAction::Delete(command) => {
            let client = store.client(&command.client)?;
            confirm(command.yes, &format!("Delete the client {:?} and all its stats?", client.name))?;
            let gone = store.delete_client(&client)?;
            store.clear_up()?;
            say(&format!("deleted {:?} and {}", client.name, counted(gone, "stat")))
        }
        ClientAction::SetLocation(command) => {
            let place = Location::new(command.latitude, command.longitude).map_err(Error::invalid)?;
            let client = store.client(&command.client)?;
            store.set_location(&client, Some(place))?;
            say(&format!("{:?} is on the map at {}, {}", client.name, place.latitude, place.longitude))
        }
        ClientAction::UnsetLocation(command) => {
            let client = store.client(&command.client)?;
            store.set_location(&client, None)?;
            say(&format!("{:?} is off the map", client.name))
        }
        ClientAction::EnableSharing(command) => set_sharing(&store, &command.client, true),
        ClientAction::DisableSharing(command) => set_sharing(&store, &command.client, false),
        ClientAction::Activate(command) => set_active(&store, &command.client, true),
        ClientAction::Deactivate(command) => set_active(&store, &command.client, false),
        ClientAction::SetGroup(command) => {
            let client = store.client(&command.client)?;
            let group = Some(command.group.as_str()).filter(|group| !group.is_empty());
            group.map_or(Ok(()), check_name).map_err(bad("GROUP"))?;
            store.set_group(&client, group)?;
            match group {
                Some(group) => say(&format!("{:?} is in the group {group:?}", client.name)),
                None => say(&format!("{:?} is in no group", client.name)),
            }
        }
        ClientAction::RotateToken(command) => {
            let client = store.client(&command.client)?;
            let token = token(command.token.as_deref())?;
            // Shown first: a client whose token nobody has seen is locked out.
            show(&format!("Token: {}", token.reveal()))?;
            store.set_token(&client, &token)
        }
    }
}

fn set_sharing(store: &Store, name: &str, enabled: bool) -> Result<()> {
    let client = store.client(name)?;
    store.set_sharing(&client, enabled)?;
    say(&format!("sharing of {:?} is {}", client.name, if enabled { "enabled" } else { "disabled" }))
}

fn set_active(store: &Store, name: &str, active: bool) -> Result<()> {
    let client = store.client(name)?;
    store.set_active(&client, active)?;
    say(&format!("{:?} is {}", client.name, if active { "active" } else { "deactivated" }))
}

/// The token that was given, one from standard input, or a random one.
fn token(given: Option<&str>) -> Result<Token> {
    match given {
        Some("-") => Token::chosen(&read_line()?).map_err(bad("--token")),
        Some(text) => Token::chosen(text).map_err(bad("--token")),
        None => Token::random().map_err(|e| Error::new(Kind::Internal, "no random numbers can be had").because(e)),
    }
}

fn create(config: &Config, store: &Store, command: &ClientCreate) -> Result<()> {
    check_name(&command.name).map_err(bad("--name"))?;
    let format: fn(&Config, &Client, &Token) -> String = match command.format.as_str() {
        "text" => |_, client, token| first_client::as_text(client, token),
        "php" => as_php,
        "env" => as_env,
        "json" => as_json,
        other => return Err(Error::invalid(format!("--format: {other:?} is not text, php, env or json"))),
    };
    let token = token(command.token.as_deref())?;
    if command.if_missing && store.clients()?.iter().any(|client| client.name == command.name) {
        return say(&exists(store, command, &token)?);
    }
    let new = NewClient {
        uuid: command.uuid.as_deref().map(parse_uuid).transpose().map_err(bad("--uuid"))?,
        name: &command.name,
        token: &token,
        role: Role::parse(&command.role).map_err(bad("--role"))?,
        is_sharing_enabled: command.share,
    };
    first_client::create(store, &new, |client| format(config, client, &token)).map_err(|error| match error.kind {
        Kind::Conflict => Error::new(
            error.kind,
            format!(
                "{}: --if-missing leaves it as it is, 'client rotate-token' gives one another token",
                error.message
            ),
        ),
        _ => error,
    })
}

/// What there is to say of a client that was there before: never a token.
fn exists(store: &Store, command: &ClientCreate, token: &Token) -> Result<String> {
    let name = &command.name;
    let is_its = store.client_by_token(token.reveal())?.is_some_and(|owner| owner.name == *name);
    Ok(match command.token.is_some() && !is_its {
        true => format!("{name:?} exists, with another token: 'monarc-stats client rotate-token' gives it this one"),
        false => format!("{name:?} exists"),
    })
}

/// What goes into the front office's `config/autoload/local.php`.
fn as_php(config: &Config, _: &Client, token: &Token) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
    format!(
        "'statsApi' => [\n    'baseUrl' => '{}',\n    'apiKey' => '{}',\n],",
        quoted(&config.public_url()),
        quoted(token.reveal())
    )
}

fn as_env(config: &Config, _: &Client, token: &Token) -> String {
    format!("STATS_API_URL='{}'\nSTATS_API_KEY='{}'", config.public_url(), token.reveal().replace('\'', "'\\''"))
}

fn as_json(config: &Config, client: &Client, token: &Token) -> String {
    let mut value = described(client);
    value["token"] = token.reveal().into();
    value["base_url"] = config.public_url().into();
    value.to_string()
}

fn described(client: &Client) -> serde_json::Value {
    json!({
        "uuid": client.uuid.to_string(),
        "name": client.name,
        "role": client.role.name(),
        "is_sharing_enabled": client.is_sharing_enabled,
        "is_active": client.is_active,
        "is_local": client.is_local,
        "latitude": client.location.map(|place| place.latitude),
        "longitude": client.location.map(|place| place.longitude),
        "group": client.group,
        "created_at": first_client::moment(client.created_at),
    })
}

/// Why a client is in no release; nothing if it is.
fn why_not_released(client: &Client) -> Option<&'static str> {
    match client {
        Client { role: Role::Admin, .. } => Some("it is an admin"),
        Client { is_active: false, .. } => Some("it is deactivated"),
        Client { is_sharing_enabled: false, .. } => Some("it does not share"),
        _ => None,
    }
}

fn list(store: &Store, command: &ClientList) -> Result<()> {
    let mut clients = store.clients()?;
    clients.retain(|client| !command.sharing || client.is_sharing_enabled);
    if command.json {
        let described = |client: &Client| {
            let mut value = described(client);
            value["in_releases"] = why_not_released(client).is_none().into();
            value
        };
        return say(&serde_json::Value::Array(clients.iter().map(described).collect()).to_string());
    }
    let width = clients.iter().map(|client| client.name.chars().count()).max().unwrap_or(0);
    for client in &clients {
        let sharing = if client.is_sharing_enabled { "sharing" } else { "not sharing" };
        let active = if client.is_active { "active" } else { "deactivated" };
        let released = match (why_not_released(client), &client.group) {
            (Some(reason), _) => format!("no, {reason}"),
            (None, Some(group)) => format!("yes, in the group {group:?}"),
            (None, None) => "yes".to_owned(),
        };
        let role = client.role.name();
        say(&format!(
            "{}  {:<width$}  {role:<5}  {sharing:<11}  {active:<11}  in releases: {released}",
            client.uuid, client.name
        ))?;
    }
    Ok(())
}
