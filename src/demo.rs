//! Sample analyses: what `monarc-stats demo` shows.

pub mod sample;

use crate::error::{Error, Kind, Result};
use crate::model::client::Location;
use crate::model::stat::NewStat;
use crate::model::{Client, Role, StatType, Token};
use crate::store::Store;
use crate::store::clients::NewClient;
use jiff::civil::Date;
use sample::{CLIENTS, Sample};
use std::path::{Path, PathBuf};

/// Stats stored in one transaction.
const BATCH: usize = 500;

/// A directory for a throw-away store; it goes when this is dropped.
pub struct Directory(PathBuf);

impl Directory {
    /// A new directory among the system's temporary ones.
    ///
    /// # Errors
    /// `Unavailable` if there can be none.
    pub fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("monarc-stats-demo-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&path)
            .map_err(|e| Error::new(Kind::Unavailable, format!("{} cannot be made", path.display())).because(e))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            log::warn!("{} is left over: {error}", self.0.display());
        }
    }
}

/// Fills an empty store with `days` days of stats up to `today`; gives their number.
///
/// # Errors
/// Those of the store.
pub fn fill(store: &Store, today: Date, days: u32) -> Result<usize> {
    let clients = CLIENTS.iter().map(|organisation| make(store, organisation)).collect::<Result<Vec<_>>>()?;
    let mut samples = sample::samples(today, days)
        .map_err(|error| Error::new(Kind::Internal, "the catalogue of samples cannot be read").because(error))?;
    let mut number = 0;
    loop {
        let batch: Vec<Sample> = samples.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            return Ok(number);
        }
        for (index, client) in clients.iter().enumerate() {
            let own: Vec<&Sample> = batch.iter().filter(|sample| sample.client == index).collect();
            number += own.len();
            let stats = own.into_iter().map(stat).collect::<Result<Vec<_>>>()?;
            store.add_stats(client, &stats)?;
        }
    }
}

fn make(store: &Store, organisation: &sample::Organisation) -> Result<Client> {
    let token = Token::random().map_err(|e| Error::new(Kind::Internal, "no random numbers can be had").because(e))?;
    let new =
        NewClient { uuid: None, name: organisation.name, token: &token, role: Role::User, is_sharing_enabled: true };
    let client = store.create_client(&new)?;
    let place = Location::new(organisation.latitude, organisation.longitude).map_err(Error::invalid)?;
    store.set_location(&client, Some(place))?;
    Ok(client)
}

fn stat(sample: &Sample) -> Result<NewStat<'_>> {
    let kind = StatType::parse(sample.kind).map_err(Error::invalid)?;
    Ok(NewStat::new(None, sample.anr, kind, sample.date, &sample.data))
}
