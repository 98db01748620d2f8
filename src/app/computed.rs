//! Computed answers: written into a spool once per question and version of the store, and read from there by all who ask
//! the same. So many readers cost one computation, and a slow one costs a descriptor.

use super::App;
use super::answer::{Answer, tag, unless_known};
use crate::error::{Error, Kind, Result};
use crate::model::date::today;
use crate::server::gate::{Gate, Permit};
use crate::server::gzip_twin;
use crate::server::message::{Body, Head, Response};
use crate::server::spool::{Spool, Spools};
use crate::store::READERS;
use serde_json::Value;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many answers are computed at a time for callers without a token, and how many for callers with one: pages and front
/// offices never wait for each other.
const AT_A_TIME: usize = 2;

/// Each may hold a reader of the store for as long as it takes, of what is live and of what was released. What is left is
/// for health, tokens and batches.
const _: () = assert!(4 * AT_A_TIME + 4 <= READERS);

/// How long a question waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long it waits for somebody else's answer to the same question, whose turn has come.
const LONGEST: Duration = Duration::from_secs(60);

/// The kind of the questions that look through every analysis: what moved since a day of one's own.
pub const SLOW: &str = "since";

/// The kind of the questions of view links. Whoever has one may post, too, and after that each is computed anew.
pub const VIEW: &str = "view";

/// Answers that are kept though nobody may be reading them.
const KEPT: usize = 16;

/// A version of the store.
type Version = [u8; 16];

/// Answers that are being computed or were computed lately.
pub struct Answers {
    entries: Mutex<Entries>,
    open: Gate,
    token: Gate,
    /// Before one of these, for questions of the kind [`SLOW`] and for those of the kind [`VIEW`]: neither kind has more than
    /// one turn at a time. Where each has one, others wait for the shorter.
    slow: Gate,
    views: Gate,
}

impl Default for Answers {
    fn default() -> Self {
        let gate = || Gate::new(AT_A_TIME);
        Self { entries: Mutex::default(), open: gate(), token: gate(), slow: Gate::new(1), views: Gate::new(1) }
    }
}

#[derive(Default)]
struct Entries {
    version: Version,
    by_question: HashMap<String, (u64, Arc<Slot>)>,
    clock: u64,
}

impl Entries {
    /// Lets go of what was computed from another version.
    fn keep_only(&mut self, version: Version) {
        if self.version != version {
            self.by_question.clear();
            self.version = version;
        }
    }

    /// The slot of a question, and whether it was made just now.
    fn slot(&mut self, version: Version, question: &str) -> (Arc<Slot>, bool) {
        self.keep_only(version);
        self.clock += 1;
        if let Some((used, slot)) = self.by_question.get_mut(question) {
            *used = self.clock;
            return (Arc::clone(slot), false);
        }
        if self.by_question.len() >= KEPT {
            self.evict(question);
        }
        let slot = Arc::new(Slot::default());
        self.by_question.insert(question.to_owned(), (self.clock, Arc::clone(&slot)));
        (slot, true)
    }

    /// Lets go of the oldest answer of the kind that has most, the new one counted: who asks one thing in many ways pushes
    /// out what is asked that way, and nothing that others wait for.
    fn evict(&mut self, new: &str) {
        let mut numbers: HashMap<&str, usize> = HashMap::from([(kind(new), 1)]);
        self.by_question.keys().for_each(|question| *numbers.entry(kind(question)).or_default() += 1);
        let number = |question: &str| numbers.get(kind(question)).copied().unwrap_or_default();
        let of_most = |(question, (used, _)): &(&String, &(u64, Arc<Slot>))| (Reverse(number(question)), *used);
        let gone = self.by_question.iter().min_by_key(of_most).map(|(question, _)| question.clone());
        gone.and_then(|question| self.by_question.remove(&question));
    }
}

/// Whether a question is of the kind [`SLOW`].
pub fn is_slow(question: &str) -> bool {
    kind(question) == SLOW
}

/// The kind of a question: its first word.
fn kind(question: &str) -> &str {
    question.split(' ').next().unwrap_or_default()
}

/// The place of one answer.
#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
enum State {
    #[default]
    Computing,
    Ready(Arc<Computed>),
    Failed(Kind, String),
}

/// A finished answer, and the same in gzip once somebody has asked for it.
struct Computed {
    plain: Arc<Spool>,
    gzip: Mutex<Option<Arc<Spool>>>,
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, state: State) {
        *self.lock() = state;
        self.changed.notify_all();
    }

    fn wait(&self) -> Result<Arc<Computed>> {
        let waited = self.changed.wait_timeout_while(self.lock(), LONGEST, |state| matches!(state, State::Computing));
        match &*waited.unwrap_or_else(PoisonError::into_inner).0 {
            State::Ready(computed) => Ok(Arc::clone(computed)),
            State::Failed(kind, message) => Err(Error::new(*kind, message.clone())),
            State::Computing => Err(too_many()),
        }
    }
}

/// Settles a slot whose computation has panicked, so that nobody waits for it.
struct Leader<'a> {
    answers: &'a Answers,
    question: &'a str,
    slot: &'a Arc<Slot>,
}

impl Leader<'_> {
    fn settle(&self, result: &Result<Arc<Computed>>) {
        match result {
            Ok(computed) => self.slot.settle(State::Ready(Arc::clone(computed))),
            Err(error) => self.fail(error.kind, &error.message),
        }
    }

    fn fail(&self, kind: Kind, message: &str) {
        let mut entries = self.answers.lock();
        if entries.by_question.get(self.question).is_some_and(|(_, slot)| Arc::ptr_eq(slot, self.slot)) {
            entries.by_question.remove(self.question);
        }
        drop(entries);
        self.slot.settle(State::Failed(kind, message.to_owned()));
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        if matches!(*self.slot.lock(), State::Computing) {
            self.fail(Kind::Internal, "the computation of an answer has panicked");
        }
    }
}

fn too_many() -> Error {
    Error::new(Kind::Busy, "Too many answers are being computed: try again in a moment.")
}

fn unspooled(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::ResourceBusy => too_many().because(error),
        _ => Error::new(Kind::Unavailable, "An answer could not be written.").because(error),
    }
}

impl Answers {
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn computed(
        &self,
        spools: &Spools,
        version: Version,
        question: &str,
        gate: &Gate,
        compute: impl FnOnce(&mut dyn Write) -> Result<()>,
    ) -> Result<Arc<Computed>> {
        self.once(version, question, || {
            let enter = |gate: &Gate| gate.enter(PATIENCE).ok_or_else(too_many);
            let first = match kind(question) {
                SLOW => Some(&self.slow),
                VIEW => Some(&self.views),
                _ => None,
            };
            let _first = first.map(enter).transpose()?;
            let _permit = enter(gate)?;
            compute_into(spools, compute)
        })
    }

    /// What several answers are made of, computed once like an answer. Only who answers asks for it, and has a turn: waiting
    /// for a second one, answers would wait for each other.
    pub fn part(
        &self,
        spools: &Spools,
        version: Version,
        question: &str,
        compute: impl FnOnce(&mut dyn Write) -> Result<()>,
    ) -> Result<Arc<Spool>> {
        let computed = self.once(version, question, || compute_into(spools, compute))?;
        Ok(Arc::clone(&computed.plain))
    }

    fn once(
        &self,
        version: Version,
        question: &str,
        compute: impl FnOnce() -> Result<Arc<Computed>>,
    ) -> Result<Arc<Computed>> {
        let (slot, is_new) = self.lock().slot(version, question);
        if !is_new {
            return slot.wait();
        }
        let leader = Leader { answers: self, question, slot: &slot };
        let computed = compute();
        leader.settle(&computed);
        computed
    }
}

fn compute_into(spools: &Spools, compute: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<Arc<Computed>> {
    let mut plain = Watched { spool: spools.answer(), failure: None };
    let done = compute(&mut plain);
    if let Some(error) = plain.failure {
        return Err(unspooled(error));
    }
    done.map(|()| Arc::new(Computed { plain: Arc::new(plain.spool), gzip: Mutex::default() }))
}

/// A spool that remembers why it could not be written: serialisers only say that it could not.
struct Watched {
    spool: Spool,
    failure: Option<std::io::Error>,
}

impl Write for Watched {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.spool.write(bytes).inspect_err(|error| self.failure = Some(error.kind().into()))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.spool.flush()
    }
}

impl Computed {
    /// The answer as a body, with its twin if the caller takes gzip; without one if there is no turn to make it.
    fn body(&self, spools: &Spools, gate: &Gate, takes_gzip: bool) -> Body {
        let twin = if takes_gzip { self.twin(spools, || gate.enter(PATIENCE)) } else { None };
        Body::Spool(Arc::clone(&self.plain), twin)
    }

    fn twin(&self, spools: &Spools, enter: impl FnOnce() -> Option<Permit>) -> Option<Arc<Spool>> {
        let known = self.gzip().clone();
        if known.is_some() {
            return known;
        }
        // Nobody who has the lock waits for a turn: all who want this answer would wait behind it, one after the other.
        let _permit = enter()?;
        let mut gzip = self.gzip();
        if gzip.is_none() {
            *gzip = gzip_twin(&self.plain, spools).ok().flatten().map(Arc::new);
        }
        gzip.clone()
    }

    fn gzip(&self) -> MutexGuard<'_, Option<Arc<Spool>>> {
        self.gzip.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets go of the answers that a change of the store has made useless: nobody may ask for long, and they take disk.
pub fn forget_outdated(app: &App) {
    // A store that cannot be read now is no reason to fail what was done.
    if let Ok(version) = app.store.version() {
        app.answers.lock().keep_only(version);
    }
}

/// Answers a question anybody may ask, unless the caller has the answer already: its tag changes with the store, the
/// question, the day, the settings and this program.
pub fn public(app: &App, head: &Head, question: &str, compute: impl FnOnce(&mut dyn Write) -> Result<()>) -> Answer {
    let version = app.store.version()?;
    let question = format!("{question} on {}", today());
    let tag = tag(&[&version, question.as_bytes(), app.config.fingerprint.as_bytes()]);
    unless_known(head, tag, || Ok(answer(app, head, version, &question, &app.answers.open, compute)?))
}

/// Answers a question from releases: its tag and moment are theirs, and nothing of it changes with the store.
pub fn released(
    app: &App,
    head: &Head,
    (version, closed_at): (Version, i64),
    question: &str,
    compute: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Answer {
    let tag = tag(&[&version, question.as_bytes(), app.config.fingerprint.as_bytes()]);
    let modified = jiff::Timestamp::from_second(closed_at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let modified = modified.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let answered = unless_known(head, tag, || {
        let computed = app.released.computed(&app.spools, version, question, &app.released.open, compute)?;
        Ok(response(app, head, &computed, &app.released.open))
    });
    answered.map(|response| response.with("Last-Modified", modified))
}

/// The same for a client, whose answer no cache may keep.
pub fn released_privately(
    app: &App,
    head: &Head,
    version: Version,
    question: &str,
    compute: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Answer {
    let computed = app.released.computed(&app.spools, version, question, &app.released.token, compute)?;
    Ok(response(app, head, &computed, &app.released.token))
}

/// Answers a question of a view, which is part of it. Pages ask it, and wait for other pages at most.
pub fn of_view(app: &App, head: &Head, question: &str, compute: impl FnOnce(&mut dyn Write) -> Result<()>) -> Answer {
    Ok(answer(app, head, app.store.version()?, question, &app.answers.open, compute)?)
}

/// Answers a question of a client, which is part of it.
pub fn private(app: &App, head: &Head, question: &str, compute: impl FnOnce(&mut dyn Write) -> Result<()>) -> Answer {
    Ok(answer(app, head, app.store.version()?, question, &app.answers.token, compute)?)
}

fn answer(
    app: &App,
    head: &Head,
    version: Version,
    question: &str,
    gate: &Gate,
    compute: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<Response> {
    let computed = app.answers.computed(&app.spools, version, question, gate, compute)?;
    Ok(response(app, head, &computed, gate))
}

fn response(app: &App, head: &Head, computed: &Computed, gate: &Gate) -> Response {
    let mut response = Response::bytes(200, Some("application/json"), Cow::Borrowed(b""));
    response.body = computed.body(&app.spools, gate, head.headers.accepts_gzip());
    response
}

/// Writes a value that was computed.
pub fn write_value(value: &Value, out: &mut dyn Write) -> Result<()> {
    out.write_all(value.to_string().as_bytes()).map_err(unwritten)
}

/// The failure to write an answer.
pub fn unwritten(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Kind::Internal, "an answer could not be written").because(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Role, StatType, Token};
    use crate::store::Store;
    use crate::store::clients::NewClient;
    use crate::store::rollups::Selection;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Barrier, mpsc};
    use std::thread;

    fn spools() -> (tempfile::TempDir, Spools) {
        let place = tempfile::TempDir::new().unwrap();
        let spools = Spools::new(place.path());
        (place, spools)
    }

    fn text(computed: &Computed) -> Vec<u8> {
        computed.plain.read_range(0..computed.plain.len()).unwrap()
    }

    #[test]
    fn the_same_question_is_computed_once_for_all_who_ask() {
        let (_place, spools) = spools();
        let (answers, computed) = (Answers::default(), AtomicUsize::new(0));
        let ask = |version: Version, question: &str| {
            answers.computed(&spools, version, question, &answers.open, |out| {
                computed.fetch_add(1, Ordering::SeqCst);
                out.write_all(b"[1]").map_err(unwritten)
            })
        };
        thread::scope(|scope| {
            let all: Vec<_> = (0..20).map(|_| scope.spawn(|| ask([1; 16], "q"))).collect();
            for one in all {
                assert_eq!(text(&one.join().unwrap().unwrap()), b"[1]");
            }
        });
        assert_eq!(computed.load(Ordering::SeqCst), 1);
        ask([1; 16], "another").unwrap();
        let old = ask([1; 16], "q").unwrap();
        assert_eq!(computed.load(Ordering::SeqCst), 2);
        ask([2; 16], "q").unwrap();
        assert_eq!(computed.load(Ordering::SeqCst), 3, "another version is another answer");
        assert_eq!(answers.lock().by_question.len(), 1);
        assert_eq!(Arc::strong_count(&old), 1, "and the older one goes with its last reader");
    }

    #[test]
    fn a_failure_is_told_to_all_who_wait_and_then_forgotten() {
        let (_place, spools) = spools();
        let answers = Answers::default();
        let ask = |fails: bool| {
            answers.computed(&spools, [1; 16], "q", &answers.open, |_| match fails {
                true => Err(Error::new(Kind::Unavailable, "no store")),
                false => Ok(()),
            })
        };
        assert_eq!(ask(true).err().unwrap().kind, Kind::Unavailable);
        assert!(ask(false).is_ok());
        let panicking = || answers.computed(&spools, [1; 16], "p", &answers.open, |_| panic!("in the processor"));
        assert!(thread::scope(|scope| scope.spawn(|| panicking().is_ok()).join().is_err()));
        assert!(answers.computed(&spools, [1; 16], "p", &answers.open, |_| Ok(())).is_ok(), "nobody waits for it");
    }

    #[test]
    fn no_more_answers_are_kept_than_are_worth_it() {
        let (_place, spools) = spools();
        let answers = Answers::default();
        for number in 0..KEPT + 5 {
            answers.computed(&spools, [1; 16], &number.to_string(), &answers.open, |_| Ok(())).unwrap();
        }
        let entries = answers.lock();
        assert!(entries.by_question.len() == KEPT && !entries.by_question.contains_key("0"));
    }

    #[test]
    fn who_asks_one_thing_in_many_ways_pushes_nothing_else_out() {
        let (_place, spools) = spools();
        let answers = Answers::default();
        let computed = AtomicUsize::new(0);
        let ask = |question: &str| {
            let count = |_: &mut dyn Write| {
                computed.fetch_add(1, Ordering::SeqCst);
                Ok(())
            };
            answers.computed(&spools, [1; 16], question, &answers.open, count).unwrap();
        };
        let calm = ["summary", "trends None", "trends Some(0)", "feed in en", "feed in fr"];
        calm.iter().for_each(|question| ask(question));
        (0..100).for_each(|number| ask(&format!("table threats {number}")));
        assert_eq!(computed.load(Ordering::SeqCst), 105);
        calm.iter().for_each(|question| ask(question));
        assert_eq!(computed.load(Ordering::SeqCst), 105, "they are still known");
        assert_eq!(answers.lock().by_question.len(), KEPT);
    }

    /// Bug: of those of views two at a time kept all pages waiting.
    #[test]
    fn slow_questions_and_those_of_views_leave_a_turn_for_others() {
        for kind in [SLOW, VIEW] {
            let (_place, spools) = spools();
            let answers = Answers::default();
            let ask = |question: &str, compute: &dyn Fn()| {
                let count = |_: &mut dyn Write| {
                    compute();
                    Ok(())
                };
                answers.computed(&spools, [1; 16], question, &answers.open, count).unwrap();
            };
            let (began, end) = (Barrier::new(2), Barrier::new(2));
            thread::scope(|scope| {
                scope.spawn(|| {
                    ask(&format!("{kind} one"), &|| {
                        began.wait();
                        end.wait();
                    });
                });
                began.wait();
                // The second waits for the first, and not in the others' way.
                let second = scope.spawn(|| ask(&format!("{kind} another"), &|| ()));
                ask("trends", &|| ());
                ask("summary", &|| ());
                assert!(!second.is_finished());
                end.wait();
            });
        }
    }

    #[test]
    fn nobody_holds_a_twin_while_waiting_for_a_turn() {
        let (_place, spools) = spools();
        let answers = Answers::default();
        let computed = answers
            .computed(&spools, [1; 16], "q", &answers.open, |out| out.write_all(&[b'x'; 10_000]).map_err(unwritten));
        let computed = computed.unwrap();
        let enter = || {
            assert!(computed.gzip.try_lock().is_ok(), "others may look meanwhile");
            None
        };
        assert!(computed.twin(&spools, enter).is_none(), "without a turn there is none");
        assert!(computed.twin(&spools, || answers.open.enter(PATIENCE)).is_some());
        assert!(computed.twin(&spools, || panic!("it is there")).is_some());
    }

    /// Bug: four slow questions held all readers, and health and batches were answered 503.
    #[test]
    fn slow_questions_leave_readers_for_health_and_batches() {
        let (place, spools) = spools();
        let store = Store::open(&place.path().join("stats.db")).unwrap();
        let token = Token::new("a-token-of-a-test").unwrap();
        let new = NewClient { uuid: None, name: "fo", token: &token, role: Role::User, is_sharing_enabled: false };
        let client = store.create_client(&new).unwrap();
        let (live, released) = (Answers::default(), Answers::default());
        let gates = [&live.open, &live.token, &released.open, &released.token];
        let (began, beginnings) = mpsc::channel();
        let end = Barrier::new(gates.len() * AT_A_TIME + 1);
        let slow = |gate: &Gate| {
            let _permit = gate.enter(PATIENCE).unwrap();
            let read = compute_into(&spools, |_| {
                store.sums(&selection(), |_| {
                    began.send(true).unwrap();
                    end.wait();
                    Ok(())
                })
            });
            if read.is_err() {
                began.send(false).unwrap();
                end.wait();
            }
        };
        thread::scope(|scope| {
            for gate in gates.iter().flat_map(|gate| [*gate; AT_A_TIME]) {
                scope.spawn(|| slow(gate));
            }
            let all_read = beginnings.iter().take(gates.len() * AT_A_TIME).all(|has_read| has_read);
            let others = store.ping().and_then(|()| store.add_stats(&client, &[]));
            end.wait();
            assert!(all_read && others.is_ok(), "{others:?}");
        });
    }

    fn selection() -> Selection {
        let kind = StatType::Threat;
        Selection { kind, from: None, to: None, local_only: false, analyses: None, newest: None, object: None }
    }
}
