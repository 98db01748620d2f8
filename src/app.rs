//! The application: its state, the table of routes, and the way from a request to a handler.
//!
//! [`ROUTES`] is the index: method, path, who may call, how large a body may be, function. No handler checks a token.

mod admin;
mod answer;
mod arguments;
pub mod auth;
mod batch;
mod clients;
mod compared;
mod computed;
mod data;
mod elements;
mod hosts;
mod managed_clients;
mod metrics;
mod mosp;
mod objects;
mod pages;
mod processed;
mod public;
mod released;
pub mod signals;
mod source;
mod stats;

use crate::config::{self, Config};
use crate::model::decimal::excerpt;
use crate::model::{Client, Role, Token};
use crate::mosp::Lookups;
use crate::server::message::{Head, Method, Received, Response, Served, Service};
use crate::server::spool::Spools;
use crate::store::Store;
pub use answer::{Answer, json, tag, unless_known};
use computed::Answers;
use metrics::Metrics;
use percent_encoding::percent_decode_str;
use serde_json::json as value;
use signals::Signals;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

/// Most bytes that a body with a token may have, where nothing else is said.
const SMALL: usize = 1 << 20;
/// As many as `MAX_BATCH` says.
const BATCH: usize = usize::MAX;

/// Who may call a route.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    /// Anybody.
    Open,
    /// Anybody, unless `PUBLIC_PAGES` is off: then there is nothing at its path.
    Public,
    /// An active client.
    Client,
    /// An active admin.
    Admin,
    /// An active admin, whose token may also come as a bearer token.
    Monitor,
}

/// One row of the table.
struct Route {
    method: Method,
    /// Its path; a part in braces stands for any text.
    path: &'static str,
    access: Access,
    /// Whether a MONARC that is too old is turned away.
    gate: bool,
    /// Most bytes its body may have; with 0 a body is thrown away.
    body: usize,
    run: fn(&App, Request<'_>) -> Answer,
}

use Access::{Admin, Client as Known, Monitor, Open, Public};

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
    Route { method: Get,    path: "/stats/trends.json",           access: Public,gate: false, body: 0,     run: public::trends },
    Route { method: Get,    path: "/data/{chart}/data.csv",       access: Public,gate: false, body: 0,     run: data::table },
    Route { method: Get,    path: "/data/{chart}/metadata.json",  access: Public,gate: false, body: 0,     run: data::metadata },
    Route { method: Get,    path: "/stats/lines.json",            access: Public,gate: false, body: 0,     run: objects::lines },
    Route { method: Get,    path: "/stats/objects/{uuid}.json",   access: Public,gate: false, body: 0,     run: objects::object },
    Route { method: Get,    path: "/stats/compared.json",         access: Public,gate: false, body: 0,     run: compared::compared },
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
    Route { method: Get,    path: "/map",                         access: Public,gate: false, body: 0,     run: pages::map },
    Route { method: Get,    path: "/report",                      access: Public,gate: false, body: 0,     run: pages::report },
    Route { method: Get,    path: "/help",                        access: Public,gate: false, body: 0,     run: pages::help },
    Route { method: Get,    path: "/about",                       access: Public,gate: false, body: 0,     run: pages::about },
    Route { method: Get,    path: "/about/more",                  access: Public,gate: false, body: 0,     run: pages::about },
    Route { method: Get,    path: "/assets/licences.json",        access: Open,  gate: false, body: 0,     run: pages::licences },
    Route { method: Get,    path: "/assets/{name}",               access: Open,  gate: false, body: 0,     run: pages::file },
];

/// What all requests share.
pub struct App {
    /// The settings.
    pub config: Config,
    /// The store.
    pub store: Arc<Store>,
    metrics: Metrics,
    failures: auth::Failures,
    lookups: Lookups,
    /// What requests tell about their senders.
    pub signals: Arc<Signals>,
    /// Live connections, counted by the HTTP layer.
    connections: Arc<AtomicUsize>,
    spools: Spools,
    batches: batch::Gates,
    answers: Answers,
    /// Those from releases, kept apart: what others post must not be felt in them.
    released: Answers,
}

/// A request on its way to its handler.
pub struct Request<'a> {
    /// Everything but the body.
    pub head: &'a Head,
    /// The text at the place in braces of the route's path; empty if there is none.
    pub name: String,
    /// Who asks; the caller of an open route is nobody.
    pub caller: Option<Client>,
    /// The token that was shown.
    pub token: String,
    /// The body.
    pub body: Received,
}

/// An admitted request: where it goes and who sent it.
pub struct Ticket {
    route: &'static Route,
    name: String,
    caller: Option<Client>,
}

impl App {
    /// An application on a store. `connections` is the HTTP layer's count.
    pub fn new(config: Config, store: Arc<Store>, connections: Arc<AtomicUsize>) -> Self {
        let (metrics, failures, lookups) = (Metrics::default(), auth::Failures::default(), Lookups::default());
        let signals = Arc::default();
        let (batches, answers, released) = (batch::Gates::default(), Answers::default(), Answers::default());
        let directory = config.store.parent().filter(|directory| !directory.as_os_str().is_empty());
        let spools = Spools::new(directory.unwrap_or(Path::new(".")));
        Self { config, store, metrics, failures, lookups, signals, connections, spools, batches, answers, released }
    }

    /// The rows of the table for a path, and the text at its place in braces. The prefix may be there or not.
    fn find(&self, head: &Head) -> Option<(Vec<&'static Route>, String)> {
        let parts: Vec<String> = head
            .path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
            .collect();
        let prefix = self.prefix(head);
        let prefix: Vec<&str> = prefix.split('/').filter(|part| !part.is_empty()).collect();
        let starts =
            !prefix.is_empty() && parts.len() >= prefix.len() && parts.iter().zip(&prefix).all(|(a, b)| a == b);
        let inside = if starts { routes_of(&parts[prefix.len()..]) } else { None };
        inside.or_else(|| routes_of(&parts))
    }

    /// The path under which the caller sees this service: the proxy's word if there is one that may be believed.
    pub fn prefix(&self, head: &Head) -> String {
        let forwarded = match auth::is_proxy(&self.config, head.peer) {
            true => head.headers.get("X-Forwarded-Prefix").and_then(|text| config::prefix(text.trim()).ok()),
            false => None,
        };
        forwarded.unwrap_or_else(|| self.config.prefix.clone())
    }

    /// The client that shows a token, if it may go on.
    fn authorise(&self, head: &Head, access: Access) -> Result<Option<Client>, Response> {
        let token = match access {
            Open | Public => return Ok(None),
            Monitor => auth::token_or_bearer(head),
            Known | Admin => auth::token(head),
        };
        let Some(token) = token else {
            return Err(answer::error(401, "Unauthorized - Authentication required."));
        };
        let client = self.store.client_by_token(token).map_err(|error| answer::failure(&error))?;
        match client.filter(|client| client.is_active) {
            None => Err(self.wrong_token(head)),
            Some(client) if access != Known && client.role != Role::Admin => {
                Err(answer::error(403, "Forbidden - Authentication failed."))
            }
            client => {
                self.note_short_token(token, client.as_ref());
                Ok(client)
            }
        }
    }

    /// Says once of each client that its token might be guessed.
    fn note_short_token(&self, token: &str, client: Option<&Client>) {
        let Some(client) = client.filter(|client| Token::is_short(token) && self.signals.note_short_token(client.id))
        else {
            return;
        };
        let (name, least) = (&client.name, Token::SHORT);
        log::warn!(
            "the token of client {name:?} has fewer than {least} characters: 'client rotate-token' gives it another"
        );
    }

    /// Where there is nothing a browser gets a page, a program its JSON.
    fn for_browsers(&self, head: &Head, response: Response) -> Response {
        let is_page = response.status == 404 && self.config.public_pages && !head.path.ends_with(".json");
        let page = if is_page { pages::missing(self, head) } else { None };
        page.unwrap_or(response)
    }

    fn wrong_token(&self, head: &Head) -> Response {
        let address = auth::address(&self.config, head);
        self.signals.note_wrong_token();
        match self.failures.note(address, Instant::now()) {
            None => answer::error(403, "Forbidden - Authentication failed."),
            Some(too_many) => {
                too_many.line.iter().for_each(|line| log::warn!("{line}"));
                let refusal = answer::error(429, "Too many wrong tokens.").with("Connection", "close");
                refusal.with("Retry-After", too_many.wait.to_string())
            }
        }
    }

    fn decide(&self, head: &Head, route: &mut &'static str) -> Result<(Ticket, usize), Response> {
        if head.path == "*" && head.method == Method::OPTIONS {
            return Err(Response::empty(200).with("Allow", "GET, HEAD, POST, PATCH, DELETE, OPTIONS"));
        }
        let (routes, name) = self.find(head).ok_or_else(nothing_here)?;
        *route = routes.first().map_or("", |route| route.path);
        if !self.config.public_pages && routes.iter().any(|route| route.access == Public) {
            return Err(nothing_here());
        }
        if routes.iter().any(|route| route.access == Public) && !hosts::is_own(&self.config, head) {
            return Err(answer::message(421, hosts::STRANGE));
        }
        if head.method == Method::OPTIONS {
            return Err(Response::empty(200).with("Allow", allowed(&routes)));
        }
        let method = if head.method == Method::HEAD { &Method::GET } else { &head.method };
        let Some(route) = routes.iter().find(|route| route.method == method) else {
            let text = format!("This path does not allow {}.", excerpt(head.method.as_str()));
            return Err(answer::message(405, &text).with("Allow", allowed(&routes)));
        };
        if route.gate && auth::is_too_old(head) {
            return Err(answer::error(426, "This service requires use of MONARC version >= 2.10.2."));
        }
        let caller = self.authorise(head, route.access)?;
        if route.body > 0 && head.headers.get("Content-Encoding").is_some_and(|coding| coding != "identity") {
            return Err(answer::message(415, "A compressed body is not taken here: send it without Content-Encoding."));
        }
        let body = if route.body == BATCH { self.config.max_batch } else { route.body };
        Ok((Ticket { route, name, caller }, body))
    }
}

/// The routes whose path these parts are. A fixed path comes before one in braces, as the table has it.
fn routes_of(parts: &[String]) -> Option<(Vec<&'static Route>, String)> {
    let first = ROUTES.iter().find_map(|route| matched(route.path, parts).map(|name| (route.path, name)))?;
    Some((ROUTES.iter().filter(|route| route.path == first.0).collect(), first.1))
}

fn matched(path: &str, parts: &[String]) -> Option<String> {
    let wanted = || path.split('/').filter(|part| !part.is_empty());
    if wanted().count() != parts.len() {
        return None;
    }
    let mut name = String::new();
    for (want, part) in wanted().zip(parts) {
        if want.starts_with('{') {
            name.clone_from(part);
        } else if want != part {
            return None;
        }
    }
    Some(name)
}

/// The answer where there is nothing.
pub fn nothing_here() -> Response {
    answer::message(404, "There is nothing at this path.")
}

fn allowed(routes: &[&Route]) -> String {
    let mut names: Vec<&str> = routes.iter().map(|route| route.method.as_str()).collect();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    names.join(", ")
}

impl Service for App {
    type Ticket = Ticket;

    fn admit(&self, head: &Head) -> Result<(Ticket, usize), Response> {
        let mut route = "";
        self.decide(head, &mut route).map_err(|mut response| {
            response = self.for_browsers(head, response);
            response.route = route;
            answer::finished(response, head)
        })
    }

    fn answer(&self, head: &Head, ticket: Ticket, body: Received) -> Response {
        let Ticket { route, name, caller } = ticket;
        let client = caller.as_ref().map(|client| client.name.clone());
        let token = auth::token(head).unwrap_or_default().to_owned();
        let request = Request { head, name, caller, token, body };
        let response = (route.run)(self, request).unwrap_or_else(|refusal| *refusal);
        let mut response = self.for_browsers(head, response);
        response.client = client;
        response.route = route.path;
        let is_data = [".json", ".csv"].iter().any(|ending| route.path.ends_with(ending));
        let is_for_all = route.access == Public && is_data && !self.config.public_min_clients.is_live();
        if is_for_all {
            // What is published is meant for all, and a page of another site sees no more of it than anybody.
            response = response.with("Access-Control-Allow-Origin", "*");
        }
        answer::finished(response, head)
    }

    fn refusal(&self, status: u16, reason: &str) -> Response {
        let response = answer::message(status, reason);
        if status == 503 { response.with("Retry-After", "2") } else { response }
    }

    fn spools(&self) -> &Spools {
        &self.spools
    }

    fn served(&self, served: &Served<'_>) {
        self.metrics.note(served);
        let (method, path) = served.head.map_or(("-", "-"), |head| (head.method.as_str(), head.path.as_str()));
        // Who is refused may be looked for; who is served is a client.
        let address = match (served.head, served.status) {
            (Some(head), 401 | 403 | 429) => format!(" address={}", auth::address(&self.config, head)),
            _ => String::new(),
        };
        log::info!(
            "{method} {path} {} {}ms {}B client={:?}{address}",
            served.status,
            served.elapsed.as_millis(),
            served.bytes,
            served.client.unwrap_or("-")
        );
    }
}

/// Reads a text as every kind of argument, in a query and in a body, for the fuzzer.
#[cfg(fuzzing)]
pub fn examine(text: &str) {
    arguments::examine(text);
}

/// The table as (method, path) pairs, for the test that compares it with the OpenAPI document.
pub fn routes() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROUTES.iter().map(|route| (route.method.as_str(), route.path))
}

/// The service's own description of itself, for `/about.json`.
fn about(app: &App) -> serde_json::Value {
    let version = env!("CARGO_PKG_VERSION");
    value!({
        "api_v1_root": format!("{}/api/v1/", app.config.public_url()),
        "contact": app.config.contacts().first().copied().unwrap_or_default(),
        "version": version,
        "version_url": format!("{}/releases/tag/v{version}", env!("CARGO_PKG_REPOSITORY")),
        // Instances that push here may send a stat again that was replaced: the day is not counted twice.
        "replaces": true,
    })
}
