//! Stats to lines.

use super::files::Target;
use crate::error::Result;
use crate::model::ShareLevel;
use crate::store::Store;
use crate::store::export::Exported;
use crate::store::listing::Filter;

/// Data held at a time.
const PAGE: usize = 1 << 20;

/// What to export.
pub struct Export {
    /// Which stats.
    pub filter: Filter,
    /// What of each stat leaves if it is for others.
    pub level: ShareLevel,
    /// For others: only of clients whose sharing is enabled, and nothing that names a client.
    pub sharing: bool,
}

/// Writes the stats; gives their number. The target is for the caller to finish.
///
/// # Errors
/// `Unavailable` if the target cannot be written, and those of the store.
pub fn export(store: &Store, export: &Export, target: &mut Target, progress: &mut dyn FnMut(u64, u64)) -> Result<u64> {
    let total = store.count_export(&export.filter, export.sharing)?;
    let (mut number, mut after, mut text) = (0, 0, String::new());
    loop {
        let page = store.page_of_export(&export.filter, export.sharing, after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = last.stat.seq;
        text.clear();
        page.iter().for_each(|stat| write_line(&mut text, stat, export.sharing.then_some(export.level)));
        number += u64::try_from(page.len()).unwrap_or_default();
        progress(number, total.max(number));
        if !target.write(text.as_bytes())? {
            return Ok(number);
        }
    }
    Ok(number)
}

fn write_line(text: &mut String, exported: &Exported, sharing: Option<ShareLevel>) {
    let stat = &exported.stat;
    text.push_str(&format!(
        r#"{{"uuid":"{}","anr":"{}","type":"{}","date":"{}","data":"#,
        stat.uuid,
        stat.anr,
        stat.kind.name(),
        stat.date
    ));
    // Line breaks in JSON stand between values: within a text they are written otherwise.
    let data = sharing.unwrap_or(ShareLevel::Full).apply(stat.kind, &stat.data);
    text.extend(data.chars().map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }));
    if sharing.is_none() {
        let name = serde_json::Value::from(exported.client_name.as_str());
        let arrived = jiff::Timestamp::from_second(exported.created_at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        text.push_str(&format!(
            r#","client":"{}","client_name":{name},"client_is_local":{},"created_at":"{arrived}""#,
            exported.client, exported.is_local
        ));
    }
    text.push_str("}\n");
}
