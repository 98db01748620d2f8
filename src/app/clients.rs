//! Clients: made by an admin, read and changed by themselves.

use super::answer::{Answer, error, json};
use super::arguments::{Arguments, as_bool, as_text};
use super::{App, Request};
use crate::error::Kind;
use crate::model::client::check_name;
use crate::model::{Client, Role, Token};
use crate::server::message::Response;
use crate::store::clients::NewClient;
use serde_json::json as value;

/// `POST /api/v1/client/`
pub fn create(app: &App, request: Request<'_>) -> Answer {
    let mut arguments = Arguments::read(&request, &["name", "is_sharing_enabled", "token"])?;
    let name = arguments.required("name", |value| {
        let name = as_text(value)?;
        check_name(&name).map(|()| name)
    });
    let sharing = arguments.required("is_sharing_enabled", as_bool);
    let token = arguments.required("token", |value| Token::new(&as_text(value)?));
    arguments.finish()?;
    if request.caller.is_none_or(|caller| caller.role != Role::Admin) {
        return Err(Box::new(error(403, "Forbidden - Only an admin may make clients.")));
    }
    if !app.config.registration_open {
        return Ok(Response::empty(204));
    }
    let (Some(name), Some(is_sharing_enabled), Some(token)) = (name, sharing, token) else {
        return Ok(error(400, "The arguments name, is_sharing_enabled and token are required."));
    };
    let new = NewClient { uuid: None, name: &name, token: &token, role: Role::User, is_sharing_enabled };
    match app.store.create_client(&new) {
        Ok(client) => Ok(shown(201, &client, token.reveal())),
        // What deployment scripts wait for when they run a second time.
        Err(error) if error.kind == Kind::Conflict => Ok(Response::empty(304)),
        Err(error) => Err(error.into()),
    }
}

/// `GET /api/v1/client/me`
pub fn me(_: &App, request: Request<'_>) -> Answer {
    match request.caller {
        Some(client) => Ok(shown(200, &client, &request.token)),
        None => Ok(error(401, "Unauthorized - Authentication required.")),
    }
}

/// `PATCH /api/v1/client/me`
pub fn change_me(app: &App, request: Request<'_>) -> Answer {
    let mut arguments = Arguments::read_some(&request)?;
    let sharing = arguments.required("is_sharing_enabled", as_bool);
    arguments.finish()?;
    let (Some(mut client), Some(sharing)) = (request.caller, sharing) else {
        return Ok(error(401, "Unauthorized - Authentication required."));
    };
    app.store.set_sharing(&client, sharing)?;
    client.is_sharing_enabled = sharing;
    Ok(shown(201, &client, &request.token))
}

/// A client as it sees itself. The token is the one it has just shown or given: the store could not tell.
fn shown(status: u16, client: &Client, token: &str) -> Response {
    let text = value!({
        "name": client.name,
        "token": token,
        "role": client.role.number(),
        "is_sharing_enabled": client.is_sharing_enabled,
    });
    json(status, text.to_string())
}
