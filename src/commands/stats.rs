//! `monarc-stats stats …`

use super::{filter, store, store_to_read};
use crate::commands::args::{StatsAction, StatsDelete, StatsLatest};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::model::date::today;
use crate::model::text::counted;
use crate::service::schedule::older_than;
use crate::store::Store;
use crate::store::listing::Filter;
use crate::terminal::{confirm, say};
use serde_json::json;

/// Runs one of them.
pub fn run(config: &Config, action: StatsAction) -> Result<()> {
    let store = match &action {
        StatsAction::Latest(_) => store_to_read(config)?,
        _ => store(config)?,
    };
    match action {
        StatsAction::Latest(command) => latest(&store, &command),
        StatsAction::Delete(command) => delete(&store, &command),
        StatsAction::Purge(command) => {
            if command.months == 0 {
                return Err(Error::invalid("--months: name at least 1; 'stats delete' deletes what is newer"));
            }
            let (first, filter) = older_than(command.months, today())?;
            remove(&store, &filter, command.yes, &format!("from before {first}"))
        }
        StatsAction::Deduplicate(command) => {
            confirm(command.yes, "Delete every stat that equals the one before it in the same month?")?;
            let gone = store.deduplicate_stats()?;
            store.clear_up()?;
            say(&format!("deleted {}", counted(gone, "stat")))
        }
    }
}

fn latest(store: &Store, command: &StatsLatest) -> Result<()> {
    let mut separator = "[";
    store.latest_stats(command.client.as_deref(), &mut |stat| {
        let (kind, date) = (stat.kind.name(), stat.date);
        if !command.json {
            return say(&format!("{date}  {kind:<13}  {}  {}", stat.anr, stat.client));
        }
        let entry =
            json!({ "client": stat.client, "anr": stat.anr.to_string(), "type": kind, "date": date.to_string() });
        say(&format!("{}{entry}", std::mem::replace(&mut separator, ",")))
    })?;
    match (command.json, separator) {
        (true, "[") => say("[]"),
        (true, _) => say("]"),
        (false, _) => Ok(()),
    }
}

fn delete(store: &Store, command: &StatsDelete) -> Result<()> {
    let dates = (command.from.as_deref(), command.to.as_deref());
    let filter = filter(store, command.client.as_deref(), command.anr.as_deref(), command.kind.as_deref(), dates)?;
    if filter.client.is_none()
        && filter.anrs.is_none()
        && filter.kind.is_none()
        && filter.from.is_none()
        && filter.to.is_none()
    {
        return Err(Error::invalid("say which stats: --client, --anr, --type, --from or --to"));
    }
    remove(store, &filter, command.yes, "as described")
}

fn remove(store: &Store, filter: &Filter, yes: bool, which: &str) -> Result<()> {
    let number = store.count_stats(filter)?;
    confirm(yes || number == 0, &format!("Delete {} {which}?", counted(number, "stat")))?;
    let gone = store.delete_stats(filter)?;
    store.clear_up()?;
    say(&format!("deleted {}", counted(gone, "stat")))
}
