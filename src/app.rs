//! The application: its state, and the way from a request to a handler.
//!
//! The table in `routes` is the index: it says who may call. No handler checks a token.

mod admin;
mod answer;
mod arguments;
pub mod auth;
mod batch;
mod benchmark;
pub mod changes;
mod clients;
mod compared;
mod computed;
mod data;
mod elements;
mod feed;
mod hosts;
mod managed_clients;
mod metrics;
mod mosp;
mod names;
mod objects;
mod own;
mod pages;
mod pieces;
mod processed;
mod public;
mod released;
mod routes;
pub mod signals;
mod source;
mod stats;
mod trends;
mod views;

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
use routes::Access::{Admin, Client as Known, Monitor, Open, Public, View as Link};
pub use routes::routes;
use routes::{Access, BATCH, Found, Route, allowed, routes_of};
use serde_json::json as value;
use signals::Signals;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;
use views::View;

/// What all requests share.
pub struct App {
    /// The settings.
    pub config: Config,
    /// The store.
    pub store: Arc<Store>,
    metrics: Metrics,
    failures: auth::Failures,
    lookups: Lookups,
    /// When it started, as RFC 3339 has it.
    started: String,
    /// What requests tell about their senders.
    pub signals: Arc<Signals>,
    /// Live connections, counted by the HTTP layer.
    connections: Arc<AtomicUsize>,
    spools: Spools,
    batches: batch::Gates,
    answers: Answers,
    /// Those from releases, kept apart: what others post must not be felt in them.
    released: Answers,
    newest: released::Newest,
}

/// A request on its way to its handler.
pub struct Request<'a> {
    /// Everything but the body.
    pub head: &'a Head,
    /// The text at the place in braces of the route's path; empty if there is none.
    pub name: String,
    /// Who asks; the caller of an open route is nobody.
    pub caller: Option<Client>,
    /// The view link under which somebody looks.
    pub view: Option<View>,
    /// The token that was shown.
    pub token: String,
    /// The body.
    pub body: Received,
}

impl Request<'_> {
    /// The client whose figures alone are looked at.
    fn own(&self) -> Option<&Client> {
        self.view.as_ref().map(|view| &view.client)
    }
}

/// An admitted request: where it goes and who sent it.
pub struct Ticket {
    route: &'static Route,
    /// The route of the page behind a view link; what runs.
    shown: &'static Route,
    name: String,
    caller: Option<Client>,
    view: Option<View>,
}

impl App {
    /// An application on a store. `connections` is the HTTP layer's count.
    pub fn new(config: Config, store: Arc<Store>, connections: Arc<AtomicUsize>) -> Self {
        let (metrics, failures, lookups) = (Metrics::default(), auth::Failures::default(), Lookups::default());
        let signals = Arc::default();
        let started = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second()).unwrap_or_default().to_string();
        let (batches, answers, released) = (batch::Gates::default(), Answers::default(), Answers::default());
        let directory = config.store.parent().filter(|directory| !directory.as_os_str().is_empty());
        let spools = Spools::new(directory.unwrap_or(Path::new(".")));
        Self {
            config,
            store,
            metrics,
            failures,
            lookups,
            started,
            signals,
            connections,
            spools,
            batches,
            answers,
            released,
            newest: released::Newest::default(),
        }
    }

    /// The rows of the table for a path, and the texts at its places in braces. The prefix may be there or not.
    fn find(&self, head: &Head) -> Option<Found> {
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
            Open | Public | Link => return Ok(None),
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
    fn for_browsers(&self, head: &Head, response: Response, view: Option<&View>) -> Response {
        let has_pages = self.config.public_pages || view.is_some();
        let is_page = response.status == 404 && has_pages && !head.path.ends_with(".json");
        let page = if is_page { pages::missing(self, head, view) } else { None };
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
        let (routes, names) = self.find(head).ok_or_else(nothing_here)?;
        *route = routes.first().map_or("", |route| route.path);
        if !self.config.public_pages && routes.iter().any(|route| route.access == Public) {
            return Err(nothing_here());
        }
        if routes.iter().any(|route| matches!(route.access, Public | Link)) && !hosts::is_own(&self.config, head) {
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
        if route.access == Link {
            return Ok((self.open(head, route, &names)?, route.body));
        }
        let caller = self.authorise(head, route.access)?;
        if route.body > 0 && head.headers.get("Content-Encoding").is_some_and(|coding| coding != "identity") {
            return Err(answer::message(415, "A compressed body is not taken here: send it without Content-Encoding."));
        }
        let body = if route.body == BATCH { self.config.max_batch } else { route.body };
        let name = names.into_iter().next().unwrap_or_default();
        Ok((Ticket { route, shown: route, name, caller, view: None }, body))
    }

    /// What a view link leads to: to its clean address, or there to a page.
    fn open(&self, head: &Head, route: &'static Route, names: &[String]) -> Result<Ticket, Response> {
        let (link, page) = (names.first().map_or("", String::as_str), names.get(1..).unwrap_or_default());
        let view = views::admit(self, head, link)?;
        if !views::is_clean(link) {
            return Ok(Ticket { route, shown: route, name: names.join("/"), caller: None, view: Some(view) });
        }
        let nothing = || self.for_browsers(head, nothing_here(), Some(&view));
        let (routes, names) = routes_of(page).ok_or_else(nothing)?;
        let shown = views::route(routes).ok_or_else(nothing)?;
        let name = names.into_iter().next().unwrap_or_default();
        Ok(Ticket { route, shown, name, caller: None, view: Some(view) })
    }
}

/// The answer where there is nothing.
pub fn nothing_here() -> Response {
    answer::message(404, "There is nothing at this path.")
}

impl Service for App {
    type Ticket = Ticket;

    fn admit(&self, head: &Head) -> Result<(Ticket, usize), Response> {
        let mut route = "";
        self.decide(head, &mut route).map_err(|mut response| {
            response.route = route;
            response = match route.starts_with("/v/") {
                true => views::refused(self, head, response),
                false => self.for_browsers(head, response, None),
            };
            response.route = route;
            answer::finished(response, head)
        })
    }

    fn answer(&self, head: &Head, ticket: Ticket, body: Received) -> Response {
        let Ticket { route, shown, name, caller, view } = ticket;
        let link = view.as_ref().map(|view| format!("view link {}", view.link));
        let client = caller.as_ref().map(|client| client.name.clone()).or_else(|| link.clone());
        let token = auth::token(head).unwrap_or_default().to_owned();
        let seen = view.clone();
        let request = Request { head, name, caller, view, token, body };
        let response = (shown.run)(self, request).unwrap_or_else(|refusal| *refusal);
        if !head.method.is_safe() {
            computed::forget_outdated(self);
        }
        let mut response = self.for_browsers(head, response, seen.as_ref());
        if link.is_some() {
            response = views::guarded(response, Some(shown));
        }
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
        let path = views::masked(path);
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
