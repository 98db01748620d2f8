//! The other instance: calls that are patient with what passes, and statuses as sentences.

use super::Reporter;
use crate::config::Proxies;
use crate::error::{Error, Kind, Result};
use crate::model::Token;
use crate::model::decimal::excerpt_of;
use crate::outbound::{CallError, HttpClient, Request, Response};
use serde::Deserialize;
use std::time::Duration;

/// How long one call may take. A remote that is the reference gives up sooner.
const LONGEST: Duration = Duration::from_secs(300);
/// The first pause before another try; each is twice the one before.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Another instance.
pub(super) struct Remote<'a> {
    web: HttpClient,
    /// Its address, without a slash at its end.
    pub(super) url: &'a str,
    token: &'a Token,
    retries: u32,
    failures: u32,
}

/// What one try came to.
pub(super) enum Try {
    /// An answer that has to do with the request.
    Response(Response),
    /// Nothing, or an answer that has to do with the moment; the pause is over.
    Again,
    /// An answer that is too large to be read.
    TooLarge,
}

impl<'a> Remote<'a> {
    pub(super) fn new(url: &'a str, token: &'a Token, proxies: &Proxies, retries: u32) -> Result<Self> {
        Ok(Self { web: HttpClient::new(url, proxies, LONGEST)?, url, token, retries, failures: 0 })
    }

    /// Asks once; waits if it has to be asked again.
    pub(super) fn attempt(
        &mut self,
        (method, path): (&'static str, &str),
        body: Option<&[u8]>,
        reporter: &mut Reporter<'_>,
    ) -> Result<Try> {
        let url = format!("{}{path}", self.url);
        match self.web.ask(&Request { method, url: &url, token: Some(self.token), body }) {
            Ok(answer) if matches!(answer.status, 429 | 502..=504) => {
                let text = format!("{} is busy: it answered {}", self.url, answer.status);
                self.wait(Error::new(Kind::Busy, text), answer.retry_after, reporter)?;
                Ok(Try::Again)
            }
            Ok(answer) => {
                self.failures = 0;
                self.understood(&answer)?;
                Ok(Try::Response(answer))
            }
            Err(CallError { too_large: true, .. }) => Ok(Try::TooLarge),
            Err(CallError { passing: true, error, .. }) => {
                self.wait(error, None, reporter)?;
                Ok(Try::Again)
            }
            Err(CallError { error, .. }) => Err(error),
        }
    }

    /// Asks until there is an answer.
    pub(super) fn ask(&mut self, call: (&'static str, &str), reporter: &mut Reporter<'_>) -> Result<Response> {
        loop {
            match self.attempt(call, None, reporter)? {
                Try::Response(answer) => return Ok(answer),
                Try::Again => {}
                Try::TooLarge => {
                    return Err(Error::new(Kind::Unavailable, format!("{}{} is too large", self.url, call.1)));
                }
            }
        }
    }

    /// Whether it replaces a stat of the same analysis, type and date rather than counting the day twice.
    pub(super) fn replaces(&mut self, reporter: &mut Reporter<'_>) -> Result<bool> {
        #[derive(Deserialize)]
        struct About {
            #[serde(default)]
            replaces: bool,
        }
        let url = format!("{}/about.json", self.url);
        loop {
            // Nobody's business but the instance's: no token.
            match self.web.ask(&Request { method: "GET", url: &url, token: None, body: None }) {
                Ok(answer) if !matches!(answer.status, 429 | 502..=504) => {
                    let about: Option<About> = serde_json::from_slice(&answer.body).ok();
                    return Ok(answer.status == 200 && about.is_some_and(|about| about.replaces));
                }
                Ok(answer) => {
                    let text = format!("{} is busy: it answered {}", self.url, answer.status);
                    self.wait(Error::new(Kind::Busy, text), answer.retry_after, reporter)?;
                }
                Err(CallError { passing: true, error, .. }) => self.wait(error, None, reporter)?,
                Err(CallError { error, .. }) => return Err(error),
            }
        }
    }

    /// Statuses that mean the same whatever was asked.
    fn understood(&self, answer: &Response) -> Result<()> {
        let url = self.url;
        let text = match answer.status {
            300..=399 => {
                let place = excerpt_of(answer.location.as_deref().unwrap_or("another address"), 200);
                format!("{url} redirects to {place}, which a token does not follow: name the right address")
            }
            401 | 403 => format!("{url} does not accept the token: ask its operator for one"),
            404 | 405 => format!("there is no stats service at {url}: it answered {}", answer.status),
            _ => return Ok(()),
        };
        Err(Error::new(Kind::Unavailable, text))
    }

    /// Waits before another try, or gives up.
    fn wait(&mut self, error: Error, asked: Option<u64>, reporter: &mut Reporter<'_>) -> Result<()> {
        if self.failures >= self.retries {
            return Err(error);
        }
        let pause = PAUSE.saturating_mul(1 << self.failures.min(20));
        let pause = asked.map_or(pause, |seconds| pause.max(Duration::from_secs(seconds))).min(LONGEST_PAUSE);
        self.failures += 1;
        (reporter.notice)(&format!("{}; trying again in {} s", error.chain(), pause.as_secs_f32()));
        if (reporter.pause)(pause) { Ok(()) } else { Err(Error::new(Kind::Unavailable, "the program ends")) }
    }
}

/// What an answer says about itself, for a sentence.
pub(super) fn said(answer: &Response) -> String {
    #[derive(Deserialize)]
    struct Said {
        #[serde(alias = "Error")]
        message: String,
    }
    let said: Option<Said> = serde_json::from_slice(&answer.body).ok();
    match said {
        Some(said) => format!("{} ({})", answer.status, excerpt_of(&said.message, 200)),
        None => answer.status.to_string(),
    }
}
