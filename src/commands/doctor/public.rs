//! What the public sees, and whether that is anything.

use super::{Finding, asked, current};
use crate::config::Config;
use crate::model::Role;
use crate::store::read_only::ReadOnlyStore;

pub fn check(config: &Config, look: Option<&ReadOnlyStore>) -> Vec<Finding> {
    let setting = config.public_min_clients;
    let Some(look) = current(look) else { return Vec::new() };
    let clients = match asked("public", look.senders()) {
        Ok(senders) => senders.into_iter().map(|sender| sender.client),
        Err(finding) => return vec![finding],
    };
    let sharing =
        clients.filter(|client| client.is_active && client.is_sharing_enabled && client.role == Role::User).count();
    if let Some(text) = setting.too_few(sharing) {
        return vec![Finding::warning("public", text, "'monarc-stats client list' says who shares")];
    }
    let why = setting.explain();
    let text = match setting.is_live() {
        true => format!("PUBLIC_MIN_CLIENTS is 1, since {why}: averages are shown live and exactly"),
        false => {
            format!("PUBLIC_MIN_CLIENTS is {}, since {why}: weeks are released, {sharing} clients share", setting.k)
        }
    };
    vec![Finding::ok("public", text)]
}
