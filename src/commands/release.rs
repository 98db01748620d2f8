//! `monarc-stats release …`

use super::store;
use crate::averages::published::Week;
use crate::commands::args::ReleaseAction;
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::model::date::{parse_loose, today};
use crate::service::first_client::moment;
use crate::service::releases::{build, due, week_of};
use crate::store::Store;
use crate::store::releases::Kept;
use crate::terminal::{confirm, note, say};
use jiff::civil::Date;

/// Runs one of them.
pub fn run(config: &Config, action: &ReleaseAction) -> Result<()> {
    let store = store(config)?;
    match action {
        ReleaseAction::List(_) => list(&store, config.public_min_clients.k),
        ReleaseAction::Show(command) => show(&store, config.public_min_clients.k, week(&command.week)?),
        ReleaseAction::Withdraw(command) => {
            let week = week(&command.week)?;
            released(&store, week)?;
            confirm(command.yes, &format!("Take the release of the week that ended on {week} down for all?"))?;
            store.withdraw_release(week)?;
            say(&format!("withdrew the release of the week that ended on {week}"))
        }
    }
}

/// The last day of the week that somebody means.
fn week(text: &str) -> Result<Date> {
    parse_loose(text)
        .map_err(|reason| Error::invalid(format!("{reason}, nor a week such as 2026-W47")))
        .and_then(week_of)
}

fn list(store: &Store, k: usize) -> Result<()> {
    let (heads, due) = (store.release_heads()?, due(store, today())?);
    if k == 1 {
        note("PUBLIC_MIN_CLIENTS is 1: everything is shown live, and no week is released until it is 3 or more");
    } else if heads.is_empty() && due.is_empty() {
        note("no week is released, and none is due: one is when it ended two days ago and has stats");
    }
    for head in heads {
        let state = if head.is_withdrawn { "withdrawn" } else { "published" };
        say(&format!("{}  {state:<9}  at least {} contributors  built {}", head.week, head.k, moment(head.built_at)))?;
    }
    due.into_iter().try_for_each(|week| say(&format!("{week}  due")))
}

fn released(store: &Store, week: Date) -> Result<Kept> {
    store.releases(Some(week), Some(week))?.pop().ok_or_else(|| {
        Error::new(Kind::NotFound, format!("no release ends on {week}: see 'monarc-stats release list'"))
    })
}

fn show(store: &Store, k: usize, week: Date) -> Result<()> {
    let kept = released(store, week)?;
    let Some(shown) = Week::of(&kept)? else {
        return say(&format!("{week}: {}", if kept.cells.is_some() { "nothing is shown" } else { "withdrawn" }));
    };
    for (kind, shown) in &shown.release.types {
        let objects = shown.objects.len();
        say(&format!("{kind}: {objects} objects of {} contributors", shown.band.name()))?;
    }
    // Not kept with it: whoever reads the store of an instance should not learn more than it published.
    let hidden = build(store, k, week, &|| true)?.map(|(_, hidden)| hidden).unwrap_or_default();
    say(&format!("hidden if it were built now, for fewer than {k} contributors: {}", hidden.len()))?;
    hidden.iter().try_for_each(|one| say(&format!("  {} {:?}: {}", one.kind.name(), one.key, one.contributors)))
}
