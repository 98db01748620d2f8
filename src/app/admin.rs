//! What only an admin may do.

use super::answer::{Answer, json};
use super::{App, Request};
use crate::error::{Error, Kind};
use crate::model::parse_uuid;
use serde_json::json as value;
use std::process::{Command, Stdio};

/// `/admin/client_sharing_activate.json/<uuid>`
pub fn activate_sharing(app: &App, request: Request<'_>) -> Answer {
    set_sharing(app, &request, true)
}

/// `/admin/client_sharing_deactivate.json/<uuid>`
pub fn deactivate_sharing(app: &App, request: Request<'_>) -> Answer {
    set_sharing(app, &request, false)
}

fn set_sharing(app: &App, request: &Request<'_>, enabled: bool) -> Answer {
    let known = parse_uuid(&request.name).ok().map(|uuid| app.store.client(&uuid.to_string()));
    match known {
        Some(Ok(client)) => app.store.set_sharing(&client, enabled)?,
        Some(Err(error)) if error.kind != Kind::NotFound => return Err(error.into()),
        _ => return Ok(json(400, value!({ "result": "KO", "stderr": "No such client." }).to_string())),
    }
    Ok(json(200, value!({ "result": "OK" }).to_string()))
}

/// `/admin/update.json`: starts the operator's update command, if there is one. It is not waited for: an update may
/// well restart this service.
pub fn update(app: &App, _: Request<'_>) -> Answer {
    let Some(command) = &app.config.update_command else {
        let reason = "There is no update command: set UPDATE_COMMAND to a program that updates this service.";
        return Ok(json(501, value!({ "result": "KO", "stderr": reason }).to_string()));
    };
    let started = Command::new(command).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = started.map_err(|error| {
        Error::new(Kind::Unavailable, "the command in UPDATE_COMMAND cannot be started").because(error)
    })?;
    log::info!("started the update command");
    std::thread::spawn(move || match child.wait() {
        Ok(status) => log::info!("the update command ended: {status}"),
        Err(error) => log::error!("the update command cannot be waited for: {error}"),
    });
    Ok(json(200, value!({ "result": "OK" }).to_string()))
}
