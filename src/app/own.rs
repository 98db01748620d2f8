//! What a view link shows: the answers of the public JSON over one client's own stats, exact and live, whatever the public
//! sees.

use super::answer::Answer;
use super::computed::{self, unwritten, write_value};
use super::names::Names;
use super::public::{LAST, summarised};
use super::released::Weeks;
use super::{App, Request, changes};
use crate::averages::release::moved::Live;
use crate::averages::{Params, Processor};
use crate::error::Result;
use crate::model::date::today;
use crate::model::{Client, StatType};
use crate::server::message::Head;
use crate::store::rollups::{Analyses, Selection};
use jiff::civil::Date;
use std::io::Write;

/// Answers a question about a client's own stats. It belongs to whoever has the link: nothing of it may be kept.
pub fn answer(
    app: &App,
    head: &Head,
    client: &Client,
    question: &str,
    compute: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Answer {
    computed::of_view(app, head, &of_view(client, question), compute)
}

/// The question for a view. Those of views are of a kind of their own; what is slow is slow there, too.
fn of_view(client: &Client, question: &str) -> String {
    let kind = if computed::is_slow(question) { computed::SLOW } else { computed::VIEW };
    format!("{kind} of {} {question} on {}", client.id, today())
}

/// The stats of a client from some day on, or its newest ones.
pub fn selection(kind: StatType, client: &Client, (from, to): (Option<Date>, Option<Date>)) -> Selection {
    let analyses = Some(Analyses { client: Some(client.id), uuids: None });
    Selection { kind, from, to, local_only: false, analyses, newest: None, object: None }
}

/// A processor's answer.
pub fn averages(
    app: &App,
    request: &Request<'_>,
    client: &Client,
    (kind, processor): (StatType, &Processor),
    params: &Params,
    weeks: Weeks,
) -> Answer {
    let question = format!("{} {} {params:?} {weeks:?}", kind.name(), processor.name);
    answer(app, request.head, client, &question, |out| {
        let selection = match weeks {
            Weeks::Newest => Selection { newest: Some(LAST), ..selection(kind, client, (None, None)) },
            Weeks::Inside(from, to) => selection(kind, client, (from, to)),
        };
        Names::of(app, Some(client.id)).sums(&selection, |sums| (processor.run)(sums, params, out))
    })
}

/// What the dashboard rests on.
pub fn summary(app: &App, request: &Request<'_>, client: &Client) -> Answer {
    answer(app, request.head, client, "summary", |out| write_value(&summarised(&app.store.summary_of(client)?), out))
}

/// What moved of a client's analyses until today: computed once for all answers that are made of it.
pub fn changes(app: &App, client: &Client) -> Result<Live> {
    let question = format!("changes of {} on {}", client.id, today());
    let part = app.answers.part(&app.spools, app.store.version()?, &question, |out| {
        let (names, analyses) = (Names::of(app, Some(client.id)), app.store.analyses_of(client)?);
        let live = changes::live(&app.store, &analyses, today(), &|kind, key| names.texts(kind, key))?;
        serde_json::to_writer(out, &live).map_err(unwritten)
    })?;
    serde_json::from_slice(&part.read_range(0..part.len()).map_err(unwritten)?).map_err(unwritten)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::trends::{Ask, Since};
    use crate::model::{Role, Token};
    use crate::store::Store;
    use crate::store::clients::NewClient;

    /// Bug: whoever had a link to 1,500 analyses kept all pages waiting for seconds, asking since day after day.
    #[test]
    fn what_is_slow_is_slow_in_a_view() {
        let place = tempfile::TempDir::new().unwrap();
        let store = Store::open(&place.path().join("stats.db")).unwrap();
        let token = Token::new("a-token-of-a-test").unwrap();
        let new = NewClient { uuid: None, name: "fo", token: &token, role: Role::User, is_sharing_enabled: false };
        let client = store.create_client(&new).unwrap();
        let is_slow = |since| computed::is_slow(&of_view(&client, &Ask::since(since).question()));
        assert!(is_slow(Since::Day(today())));
        assert!(!is_slow(Since::Each));
    }
}
