//! View links: one client's own figures for whoever has the link, and nothing else.
//!
//! The first visit, `/v/<token>/…`, swaps the token for a cookie and an address with the link's number, which is no secret:
//! `/v/3/…`. From there on the cookie is asked for. It holds the token, is sent to the pages of this link alone, and no
//! script reads it. A page or file that is not in [`PAGES`] is not there: a new route of the table has to ask to be shown.

use super::answer::{self, Answer};
use super::data::is_chart;
use super::routes::{Access, Route};
use super::{App, Request, nothing_here, pages};
use crate::model::{Client, parse_uuid};
use crate::server::message::{Head, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::borrow::Cow;

/// What stands before a link in a path.
pub const FIRST: &str = "v";

/// The routes that a view has, over its own client's stats. None of them is of `/api/v1`.
pub const PAGES: [&str; 32] = [
    "/",
    "/threats",
    "/evolution",
    "/vulnerabilities",
    "/threats/{uuid}",
    "/vulnerabilities/{uuid}",
    "/risks",
    "/cartography",
    "/compliance",
    "/benchmark",
    "/trends",
    "/report",
    "/help",
    "/about",
    "/about/more",
    "/stats/threats.json",
    "/stats/vulnerabilities.json",
    "/stats/risks.json",
    "/stats/cartography.json",
    "/stats/compliance.json",
    "/stats/summary.json",
    "/stats/trends.json",
    "/stats/compared.json",
    "/stats/lines.json",
    "/stats/objects/{uuid}.json",
    "/data/{chart}/data.csv",
    "/data/{chart}/metadata.json",
    "/stats/benchmark.json",
    "/mosp/{uuid}.json",
    "/about.json",
    "/assets/licences.json",
    "/assets/{name}",
];

/// Days that a cookie lasts if its link does not end before; then the link is opened again.
const COOKIE_DAYS: i64 = 90;
/// Letters of the longest number of a link.
const DIGITS: usize = 10;
/// Letters of a link's token.
const LETTERS: usize = 22;
/// Cookies of one name that are looked at. A browser sends several if somebody planted one.
const COOKIES: usize = 4;

/// Who sees what: a link, and the client whose figures it shows.
#[derive(Clone)]
pub struct View {
    /// The link's number.
    pub link: i64,
    /// The client.
    pub client: Client,
    expires_at: Option<i64>,
}

/// The token of a first visit, or the number of a clean address.
fn number(text: &str) -> Option<i64> {
    let is_number = text.len() <= DIGITS && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    if is_number { text.parse().ok() } else { None }
}

/// Whether the text behind `/v/` is a link's number, so that a cookie tells who asks.
pub fn is_clean(link: &str) -> bool {
    number(link).is_some()
}

/// Who may see what is at `/v/<link>`, whatever follows.
///
/// # Errors
/// 401 without a cookie, 403 or 429 for a wrong token, also one in a cookie.
pub fn admit(app: &App, head: &Head, link: &str) -> Result<View, Response> {
    let Some(number) = number(link) else {
        return find(app, link)?.ok_or_else(|| app.wrong_token(head));
    };
    let name = format!("view-{number}");
    let pairs =
        head.headers.all("Cookie").flat_map(|list| list.split(';')).filter_map(|one| one.trim().split_once('='));
    let tokens: Vec<&str> = pairs.filter(|(known, _)| *known == name).map(|(_, token)| token).take(COOKIES).collect();
    if tokens.is_empty() {
        return Err(answer::error(401, "Unauthorized - Authentication required."));
    }
    for token in &tokens {
        // A right cookie of another link is as wrong as any.
        if let Some(view) = find(app, token)?.filter(|view| view.link == number) {
            return Ok(view);
        }
    }
    // Each was a guess. They have had their time: the browser need not show them again.
    tokens.iter().skip(1).for_each(|_| drop(app.wrong_token(head)));
    let gone = cookie(app, head, number, "", 0);
    Err(app.wrong_token(head).with("Set-Cookie", gone))
}

fn find(app: &App, token: &str) -> Result<Option<View>, Response> {
    let found = app.store.view_link_by_token(token).map_err(|error| answer::failure(&error))?;
    Ok(found.map(|(link, client)| View { link: link.id, client, expires_at: link.expires_at }))
}

/// The route that a clean address leads to, of those that a view has.
pub fn route(routes: Vec<&'static Route>) -> Option<&'static Route> {
    let is_open = |route: &&Route| matches!(route.access, Access::Public | Access::Open);
    routes.into_iter().find(|route| PAGES.contains(&route.path) && is_open(route))
}

/// `GET /v/{link}` and what is below it, for a token: a cookie, and the way to the clean address.
pub fn enter(app: &App, request: Request<'_>) -> Answer {
    let Some(view) = &request.view else { return Err(Box::new(nothing_here())) };
    let now = jiff::Timestamp::now().as_second();
    let seconds = view.expires_at.map_or(i64::MAX, |end| end - now).clamp(0, COOKIE_DAYS * 86_400);
    let query = if request.head.query.is_empty() { String::new() } else { format!("?{}", request.head.query) };
    let (token, page) = request.name.split_once('/').unwrap_or((&request.name, ""));
    let address = format!("{}{}/{}{}", up(&request.head.path, token), view.link, encoded(page), query);
    let response = Response::empty(303).with("Location", address);
    Ok(response.with("Set-Cookie", cookie(app, request.head, view.link, token, seconds)))
}

fn decoded(part: &str) -> Cow<'_, str> {
    percent_decode_str(part).decode_utf8_lossy()
}

/// What leads from a path with a token to the place of the token: relative, since what is in front of it is a proxy's
/// business, and some of them rewrite what begins with a slash.
fn up(path: &str, token: &str) -> String {
    let mut below = path.split('/').skip_while(|part| decoded(part) != token);
    below.next();
    "../".repeat(below.count())
}

/// A path with each part made harmless in a header and in an address.
fn encoded(path: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let parts: Vec<String> = path.split('/').map(|part| utf8_percent_encode(part, KEPT).to_string()).collect();
    parts.join("/")
}

/// The address of a view's first page, with a slash at its end: absolute, since a cookie's path is, too.
pub fn root(app: &App, head: &Head, link: i64) -> String {
    format!("{}/{FIRST}/{link}/", prefix(app, head))
}

/// The path in front of the pages, as browsers see it: what is known of it, or else what `INSTANCE_URL` has.
fn prefix(app: &App, head: &Head) -> String {
    let known = app.prefix(head);
    let of_instance = || {
        let url = app.config.instance_url.as_deref()?;
        let (_, path) = url.split_once("://")?.1.split_once('/')?;
        crate::config::prefix(&format!("/{path}")).ok()
    };
    if known.is_empty() { of_instance().unwrap_or_default() } else { known }
}

fn cookie(app: &App, head: &Head, link: i64, token: &str, seconds: i64) -> String {
    let is_secure = app.config.instance_url.as_deref().is_some_and(|url| url.starts_with("https://"));
    let secure = if is_secure { "; Secure" } else { "" };
    let path = root(app, head, link);
    format!("view-{link}={token}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// An answer of a view, or its refusal: nothing of it is kept, found, or told to whoever a link on it leads to. Files are the
/// same for all.
pub fn guarded(mut response: Response, route: Option<&Route>) -> Response {
    const REPLACED: [&str; 6] =
        ["Cache-Control", "ETag", "Last-Modified", "Vary", "Referrer-Policy", "Access-Control-Allow-Origin"];
    let is_file = route.is_some_and(|route| route.path.starts_with("/assets/")) && response.status == 200;
    if !is_file {
        response.headers.retain(|(name, _)| !REPLACED.contains(name));
        response = response.with("Cache-Control", "no-store").with("Vary", "Cookie");
        response = response.with("Referrer-Policy", "no-referrer");
    }
    response.with("X-Robots-Tag", "noindex, nofollow").with("Cross-Origin-Resource-Policy", "same-origin")
}

/// The refusal as a page, for browsers: whoever gave out the link can give another.
pub fn refused(app: &App, head: &Head, response: Response) -> Response {
    let is_ended = matches!(response.status, 401 | 403 | 429);
    let page = if is_ended { pages::ended(app, head) } else { None };
    let Some(mut page) = page else { return guarded(response, None) };
    page.status = response.status;
    let kept = |name: &str| matches!(name, "Retry-After" | "Connection" | "Set-Cookie");
    page.headers.extend(response.headers.into_iter().filter(|(name, _)| kept(name)));
    guarded(page, None)
}

/// The path as the log may have it: of a link its number alone, never what might be a token.
pub fn masked(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let mut is_link = false;
    for part in path.split('/') {
        let hides = is_link && !part.is_empty() && number(part).is_none() || may_be_token(part);
        parts.push(if hides { "-" } else { part });
        // Empty parts do not count, here as elsewhere.
        is_link = decoded(part) == FIRST || is_link && part.is_empty();
    }
    parts.join("/")
}

/// Whether a part of a path looks as if it had a link's token in it, wherever a slip has put it. Files' names have a dot, and
/// one of a chart is as long.
fn may_be_token(part: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    let part = decoded(part);
    !part.contains('.')
        && !is_chart(&part)
        && part.split(|letter| !is_letter(letter)).any(|text| text.len() >= LETTERS && parse_uuid(text).is_err())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_has_numbers_of_links_and_never_tokens() {
        for (path, wanted) in [
            ("/threats", "/threats"),
            ("/v", "/v"),
            ("/v/12/threats", "/v/12/threats"),
            ("/v/abcDEF_-0123456789abcd/threats", "/v/-/threats"),
            ("//v//abcDEF_-0123456789abcd", "//v//-"),
            ("/%76/abcDEF_-0123456789abcd/", "/%76/-/"),
            ("/dashboard/v/abcDEF_-0123456789abcd/risks", "/dashboard/v/-/risks"),
            ("/v/v/abcDEF_-0123456789abcd/", "/v/-/-/"),
            ("/v/12345678901234567890/", "/v/-/"),
            ("/v/012/", "/v/-/"),
            ("/V/abcDEF_-0123456789abcd/x", "/V/-/x"),
            ("/v%2FabcDEF_-0123456789abcd/x", "/-/x"),
            ("/v/./abcDEF_-0123456789abcd/x", "/v/-/-/x"),
            ("/%2576/%61bcDEF_-0123456789abcd", "/%2576/-"),
            ("/threats/5F0C5D8E-6f0e-4b4e-9d0a-3c1f5a7b2e01", "/threats/5F0C5D8E-6f0e-4b4e-9d0a-3c1f5a7b2e01"),
            ("/data/vulnerabilities-over-time/data.csv", "/data/vulnerabilities-over-time/data.csv"),
            ("/admin/client_sharing_deactivate.json/x", "/admin/client_sharing_deactivate.json/x"),
        ] {
            assert_eq!(masked(path), wanted);
        }
    }

    #[test]
    fn a_clean_address_has_nothing_that_ends_a_header() {
        assert_eq!(encoded("threats/a\r\nSet-Cookie: x"), "threats/a%0D%0ASet%2DCookie%3A%20x".replace("%2D", "-"));
        assert_eq!(encoded("/evil.example"), "/evil.example");
    }

    #[test]
    fn the_way_to_the_clean_address_is_relative() {
        for (path, wanted) in [
            ("/v/TOKEN", "/v/7/"),
            ("/v/TOKEN/", "/v/7/"),
            ("/x/v/TOKEN/threats", "/x/v/7/threats"),
            ("/v/TOKEN/threats/a/", "/v/7/threats/a"),
            ("/v/TOKEN//threats", "/v/7/threats"),
            ("/v/T%4fKEN/threats", "/v/7/threats"),
        ] {
            let page = path.replace("%4f", "O").split("TOKEN").nth(1).unwrap().trim_matches('/').to_owned();
            let base = path.rsplit_once('/').unwrap().0;
            let mut parts: Vec<&str> = base.split('/').collect();
            let steps = up(path, "TOKEN");
            parts.truncate(parts.len() - steps.matches("../").count());
            assert_eq!(format!("{}/7/{page}", parts.join("/")), wanted, "{path}");
        }
    }

    #[test]
    fn numbers_are_told_from_tokens() {
        assert_eq!(number("12"), Some(12));
        for text in ["", "0", "012", "-1", "1a", "12345678901", "１"] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
