//! Clients as an admin sees and changes them: every step of provisioning as a call that can be repeated.

use super::answer::{Answer, error, json, message};
use super::arguments::{Arguments, as_bool, as_text};
use super::{App, Request};
use crate::error::Kind;
use crate::model::client::{Location, check_name};
use crate::model::text::counted;
use crate::model::{Client, Token, parse_uuid};
use crate::server::message::Response;
use crate::store::clients::ClientChange;
use serde_json::{Value, json as value};

/// `GET /api/v1/clients`
pub fn list(app: &App, request: Request<'_>) -> Answer {
    Arguments::read(&request, &[])?.finish()?;
    let clients = app.store.clients_with_arrivals()?;
    let shown = clients.iter().map(|(client, arrived)| {
        let mut shown = described(client);
        shown["last_stat_at"] = arrived.map_or(Value::Null, |seconds| moment(seconds).into());
        shown
    });
    Ok(json(200, Value::Array(shown.collect()).to_string()))
}

/// `PATCH /api/v1/clients/<uuid>`
pub fn change(app: &App, request: Request<'_>) -> Answer {
    let known = ["name", "is_sharing_enabled", "is_active", "location", "group"];
    let mut arguments = Arguments::read(&request, &known)?;
    let change = ClientChange {
        name: arguments.get("name", |value| {
            let name = as_text(value)?;
            check_name(&name).map(|()| name)
        }),
        is_sharing_enabled: arguments.get("is_sharing_enabled", as_bool),
        is_active: arguments.get("is_active", as_bool),
        location: arguments.get("location", as_location),
        group: arguments.get("group", as_group),
    };
    arguments.finish()?;
    let client = find(app, &request)?;
    if change.is_active == Some(false) {
        not_itself(&request, &client)?;
    }
    match app.store.change_client(&client, &change) {
        Ok(client) => Ok(json(200, described(&client).to_string())),
        Err(failure) if failure.kind == Kind::Conflict => Err(Box::new(message(409, &failure.message))),
        Err(failure) => Err(failure.into()),
    }
}

/// `DELETE /api/v1/clients/<uuid>`: with all its stats.
pub fn delete(app: &App, request: Request<'_>) -> Answer {
    let client = find(app, &request)?;
    not_itself(&request, &client)?;
    let gone = app.store.delete_client(&client)?;
    log::info!("deleted client {:?} and {}", client.name, counted(gone, "stat"));
    Ok(json(200, value!({ "deleted_stats": gone }).to_string()))
}

/// `POST /api/v1/clients/<uuid>/rotate`: a new token, which is shown this once.
pub fn rotate(app: &App, request: Request<'_>) -> Answer {
    let token = if request.body.is_empty() {
        None
    } else {
        let mut arguments = Arguments::read(&request, &["token"])?;
        let token = arguments.get("token", |value| Token::chosen(&as_text(value)?));
        arguments.finish()?;
        token
    };
    let client = find(app, &request)?;
    let token = match token {
        Some(token) => token,
        None => Token::random().map_err(|cause| {
            crate::error::Error::new(Kind::Internal, "there are no random numbers for a token").because(cause)
        })?,
    };
    app.store.set_token(&client, &token)?;
    let mut shown = described(&client);
    shown["token"] = token.reveal().into();
    Ok(json(200, shown.to_string()))
}

/// The client that the path names.
fn find(app: &App, request: &Request<'_>) -> Result<Client, Box<Response>> {
    let uuid = parse_uuid(&request.name).map_err(|reason| Box::new(message(400, &format!("{reason}."))))?;
    match app.store.client(&uuid.to_string()) {
        Err(failure) if failure.kind == Kind::NotFound => {
            Err(Box::new(message(404, &format!("There is no client {uuid}."))))
        }
        found => Ok(found?),
    }
}

/// An admin that shut itself out could not undo it.
fn not_itself(request: &Request<'_>, client: &Client) -> Result<(), Box<Response>> {
    match request.caller.as_ref().is_some_and(|caller| caller.id == client.id) {
        true => Err(Box::new(error(409, "This client's own token is asking: use another admin's."))),
        false => Ok(()),
    }
}

/// The name of a group; an empty one takes the client out of its group.
fn as_group(value: &Value) -> Result<Option<String>, String> {
    let group = Some(as_text(value)?).filter(|group| !group.is_empty());
    group.as_deref().map_or(Ok(()), check_name).map(|()| group)
}

/// A place as an object of two numbers; an empty object or list takes the client off the map.
fn as_location(value: &Value) -> Result<Option<Location>, String> {
    let members = match value {
        Value::Object(members) => members,
        Value::Array(list) if list.is_empty() => return Ok(None),
        _ => return Err("it is not an object of latitude and longitude".into()),
    };
    if members.is_empty() {
        return Ok(None);
    }
    let degrees =
        |name: &str| members.get(name).and_then(Value::as_f64).ok_or_else(|| format!("{name} is not a number"));
    Location::new(degrees("latitude")?, degrees("longitude")?).map(Some)
}

/// A client without its token, which nobody knows.
fn described(client: &Client) -> Value {
    let (latitude, longitude) = client.location.map(|place| (place.latitude, place.longitude)).unzip();
    value!({
        "uuid": client.uuid.to_string(),
        "name": client.name,
        "role": client.role.number(),
        "is_sharing_enabled": client.is_sharing_enabled,
        "is_active": client.is_active,
        "is_local": client.is_local,
        "latitude": latitude,
        "longitude": longitude,
        "group": client.group,
        "created_at": moment(client.created_at),
    })
}

fn moment(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |moment| moment.to_string())
}
