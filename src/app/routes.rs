//! The table of routes: method, path, who may call, how large a body may be, function; and how a path is looked up in it.

use super::{
    Answer, App, Request, admin, batch, benchmark, clients, compared, data, feed, managed_clients, metrics, mosp,
    objects, pages, processed, public, stats, trends, views,
};
use crate::server::message::Method;

/// Most bytes that a body with a token may have, where nothing else is said.
const SMALL: usize = 1 << 20;
/// As many as `MAX_BATCH` says.
pub(super) const BATCH: usize = usize::MAX;

/// Who may call a route.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Anybody.
    Open,
    /// Anybody, unless `PUBLIC_PAGES` is off: then there is nothing at its path.
    Public,
    /// Whoever has the view link in its path.
    View,
    /// An active client.
    Client,
    /// An active admin.
    Admin,
    /// An active admin, whose token may also come as a bearer token.
    Monitor,
}

/// One row of the table.
pub(super) struct Route {
    pub(super) method: Method,
    /// Its path; a part in braces stands for any text, `{page}` for any number of parts.
    pub(super) path: &'static str,
    pub(super) access: Access,
    /// Whether a MONARC that is too old is turned away.
    pub(super) gate: bool,
    /// Most bytes its body may have; with 0 a body is thrown away.
    pub(super) body: usize,
    pub(super) run: fn(&App, Request<'_>) -> Answer,
}

use Access::{Admin, Client as Known, Monitor, Open, Public, View as Link};

/// The methods by short names, for the table.
#[expect(non_upper_case_globals, reason = "they stand in a column with the variants of `Access`")]
mod short {
    use super::Method;
    pub const Get: Method = Method::GET;
    pub const Post: Method = Method::POST;
    pub const Patch: Method = Method::PATCH;
    pub const Delete: Method = Method::DELETE;
}
use short::{Delete, Get, Patch, Post};

#[rustfmt::skip]
const ROUTES: &[Route] = &[
    Route { method: Get,    path: "/api/v1/stats/",               access: Known, gate: true,  body: SMALL, run: stats::list },
    Route { method: Post,   path: "/api/v1/stats/",               access: Known, gate: true,  body: BATCH, run: batch::add },
    Route { method: Get,    path: "/api/v1/stats/processed/",     access: Known, gate: false, body: SMALL, run: processed::run },
    Route { method: Get,    path: "/api/v1/stats/processed/list", access: Open,  gate: false, body: 0,     run: processed::list },
    Route { method: Get,    path: "/api/v1/stats/{anr}",          access: Known, gate: false, body: 0,     run: stats::of_analysis },
    Route { method: Delete, path: "/api/v1/stats/{anr}",          access: Known, gate: false, body: 0,     run: stats::delete_analysis },
    Route { method: Get,    path: "/api/v1/benchmark",            access: Known, gate: false, body: SMALL, run: benchmark::of_client },
    Route { method: Post,   path: "/api/v1/client/",              access: Known, gate: true,  body: SMALL, run: clients::create },
    Route { method: Get,    path: "/api/v1/client/me",            access: Known, gate: true,  body: 0,     run: clients::me },
    Route { method: Patch,  path: "/api/v1/client/me",            access: Known, gate: true,  body: SMALL, run: clients::change_me },
    Route { method: Get,    path: "/api/v1/clients",              access: Admin, gate: false, body: 0,     run: managed_clients::list },
    Route { method: Patch,  path: "/api/v1/clients/{uuid}",       access: Admin, gate: false, body: SMALL, run: managed_clients::change },
    Route { method: Delete, path: "/api/v1/clients/{uuid}",       access: Admin, gate: false, body: 0,     run: managed_clients::delete },
    Route { method: Post,   path: "/api/v1/clients/{uuid}/rotate", access: Admin, gate: false, body: SMALL, run: managed_clients::rotate },
    Route { method: Get,    path: "/api/v1/",                     access: Open,  gate: false, body: 0,     run: pages::api },
    Route { method: Get,    path: "/api/v1/swagger.json",         access: Open,  gate: false, body: 0,     run: pages::openapi },
    Route { method: Get,    path: "/api/v1/openapi.json",         access: Open,  gate: false, body: 0,     run: pages::openapi },
    Route { method: Get,    path: "/stats/threats.json",          access: Public,gate: false, body: 0,     run: public::threats },
    Route { method: Get,    path: "/stats/vulnerabilities.json",  access: Public,gate: false, body: 0,     run: public::vulnerabilities },
    Route { method: Get,    path: "/stats/risks.json",            access: Public,gate: false, body: 0,     run: public::risks },
    Route { method: Get,    path: "/stats/cartography.json",      access: Public,gate: false, body: 0,     run: public::cartography },
    Route { method: Get,    path: "/stats/compliance.json",       access: Public,gate: false, body: 0,     run: public::compliance },
    Route { method: Get,    path: "/map/clients.json",            access: Public,gate: false, body: 0,     run: public::map },
    Route { method: Get,    path: "/mosp/{uuid}.json",            access: Public,gate: false, body: 0,     run: mosp::published },
    Route { method: Get,    path: "/about.json",                  access: Public,gate: false, body: 0,     run: public::about },
    Route { method: Get,    path: "/feed.atom",                   access: Public,gate: false, body: 0,     run: feed::atom },
    Route { method: Get,    path: "/human.txt",                   access: Open,  gate: false, body: 0,     run: public::human },
    Route { method: Get,    path: "/robots.txt",                  access: Open,  gate: false, body: 0,     run: public::robots },
    Route { method: Get,    path: "/.well-known/security.txt",    access: Open,  gate: false, body: 0,     run: public::security },
    Route { method: Get,    path: "/healthz",                     access: Open,  gate: false, body: 0,     run: public::health },
    Route { method: Get,    path: "/health",                      access: Open,  gate: false, body: 0,     run: public::health },
    Route { method: Get,    path: "/metrics",                     access: Monitor, gate: false, body: 0,   run: metrics::report },
    Route { method: Get,    path: "/admin/client_sharing_activate.json/{uuid}",   access: Admin, gate: false, body: 0, run: admin::activate_sharing },
    Route { method: Post,   path: "/admin/client_sharing_activate.json/{uuid}",   access: Admin, gate: false, body: 0, run: admin::activate_sharing },
    Route { method: Get,    path: "/admin/client_sharing_deactivate.json/{uuid}", access: Admin, gate: false, body: 0, run: admin::deactivate_sharing },
    Route { method: Post,   path: "/admin/client_sharing_deactivate.json/{uuid}", access: Admin, gate: false, body: 0, run: admin::deactivate_sharing },
    Route { method: Get,    path: "/admin/update.json",           access: Admin, gate: false, body: 0,     run: admin::update },
    Route { method: Post,   path: "/admin/update.json",           access: Admin, gate: false, body: 0,     run: admin::update },
    Route { method: Get,    path: "/stats/summary.json",          access: Public,gate: false, body: 0,     run: public::summary },
    Route { method: Get,    path: "/stats/trends.json",           access: Public,gate: false, body: 0,     run: trends::trends },
    Route { method: Get,    path: "/data/{chart}/data.csv",       access: Public,gate: false, body: 0,     run: data::table },
    Route { method: Get,    path: "/data/{chart}/metadata.json",  access: Public,gate: false, body: 0,     run: data::metadata },
    Route { method: Get,    path: "/stats/lines.json",            access: Public,gate: false, body: 0,     run: objects::lines },
    Route { method: Get,    path: "/stats/objects/{uuid}.json",   access: Public,gate: false, body: 0,     run: objects::object },
    Route { method: Get,    path: "/stats/compared.json",         access: Public,gate: false, body: 0,     run: compared::compared },
    Route { method: Get,    path: "/stats/benchmark.json",        access: Public,gate: false, body: 0,     run: benchmark::shown },
    Route { method: Get,    path: "/",                            access: Public,gate: false, body: 0,     run: pages::overview },
    Route { method: Get,    path: "/threats",                     access: Public,gate: false, body: 0,     run: pages::threats },
    Route { method: Get,    path: "/evolution",                   access: Public,gate: false, body: 0,     run: pages::threats },
    Route { method: Get,    path: "/vulnerabilities",             access: Public,gate: false, body: 0,     run: pages::vulnerabilities },
    Route { method: Get,    path: "/threats/{uuid}",              access: Public,gate: false, body: 0,     run: pages::threat },
    Route { method: Get,    path: "/vulnerabilities/{uuid}",      access: Public,gate: false, body: 0,     run: pages::vulnerability },
    Route { method: Get,    path: "/risks",                       access: Public,gate: false, body: 0,     run: pages::risks },
    Route { method: Get,    path: "/cartography",                 access: Public,gate: false, body: 0,     run: pages::cartography },
    Route { method: Get,    path: "/compliance",                  access: Public,gate: false, body: 0,     run: pages::compliance },
    Route { method: Get,    path: "/trends",                      access: Public,gate: false, body: 0,     run: pages::trends },
    Route { method: Get,    path: "/benchmark",                   access: Public,gate: false, body: 0,     run: pages::benchmark },
    Route { method: Get,    path: "/map",                         access: Public,gate: false, body: 0,     run: pages::map },
    Route { method: Get,    path: "/report",                      access: Public,gate: false, body: 0,     run: pages::report },
    Route { method: Get,    path: "/help",                        access: Public,gate: false, body: 0,     run: pages::help },
    Route { method: Get,    path: "/about",                       access: Public,gate: false, body: 0,     run: pages::about },
    Route { method: Get,    path: "/about/more",                  access: Public,gate: false, body: 0,     run: pages::about },
    Route { method: Get,    path: "/v/{link}",                    access: Link,  gate: false, body: 0,     run: views::enter },
    Route { method: Get,    path: "/v/{link}/{page}",             access: Link,  gate: false, body: 0,     run: views::enter },
    Route { method: Get,    path: "/assets/licences.json",        access: Open,  gate: false, body: 0,     run: pages::licences },
    Route { method: Get,    path: "/assets/{name}",               access: Open,  gate: false, body: 0,     run: pages::file },
];

/// Rows of the table with one path, and the texts at its places in braces.
pub(super) type Found = (Vec<&'static Route>, Vec<String>);

/// The routes whose path these parts are. A fixed path comes before one in braces, as the table has it.
pub(super) fn routes_of(parts: &[String]) -> Option<Found> {
    let first = ROUTES.iter().find_map(|route| matched(route.path, parts).map(|names| (route.path, names)))?;
    Some((ROUTES.iter().filter(|route| route.path == first.0).collect(), first.1))
}

fn matched(path: &str, parts: &[String]) -> Option<Vec<String>> {
    let wanted = || path.split('/').filter(|part| !part.is_empty());
    let (number, has_rest) = (wanted().count(), path.ends_with("{page}"));
    if parts.len() < number || parts.len() > number && !has_rest {
        return None;
    }
    let mut names = Vec::new();
    for (want, part) in wanted().zip(parts) {
        if want.starts_with('{') {
            names.push(part.clone());
        } else if want != part {
            return None;
        }
    }
    names.extend(parts.iter().skip(number).cloned());
    Some(names)
}

pub(super) fn allowed(routes: &[&Route]) -> String {
    let mut names: Vec<&str> = routes.iter().map(|route| route.method.as_str()).collect();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    names.join(", ")
}

/// The table as (method, path) pairs, for the test that compares it with the OpenAPI document.
pub fn routes() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROUTES.iter().map(|route| (route.method.as_str(), route.path))
}
