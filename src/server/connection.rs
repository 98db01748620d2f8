//! One connection, from its first request to its last: the order of the steps, and what each failure ends in.

use std::io::Read;
use std::net::{IpAddr, Shutdown};
use std::time::{Duration, Instant};

use super::head::{self, ConnectionTerms, Framing};
use super::input::{Input, Socket};
use super::reply::{Ending, Output, WriteMode};
use super::slots::{Phase, Slot};
use super::{Fault, Shared, body, guarded, refusal};
use crate::server::message::{Head, Received, Response, Served, Service};

/// The longest body that is read and thrown away to keep a connection whose request was refused.
const MAX_DISCARDED: u64 = 64 * 1024;

/// What a sender who is not listening may still send before the connection is cut.
const MAX_LINGERING: u64 = 64 * 1024 * 1024;

/// The connection is over.
struct End;

/// Serves a connection until it ends.
pub(super) fn run<S: Service>(shared: &Shared<S>, slot: &Slot, peer: IpAddr) {
    // Failing means that the client is gone already, which the first read tells as well.
    let _ = slot.socket.set_nodelay(true);
    let _ = slot.socket.set_write_timeout(Some(shared.limits.write));
    let mut connection = Connection {
        shared,
        slot,
        peer,
        input: Input::new(Socket::of(slot)),
        output: Output::new(&slot.socket, &shared.compressors, &shared.limits),
    };
    while connection.exchange().is_ok() {}
}

/// Refuses a connection for which there is no thread, without waiting for it.
pub(super) fn turn_away<S: Service>(shared: &Shared<S>, slot: &Slot) {
    let began = Instant::now();
    let _ = slot.socket.set_write_timeout(Some(Duration::from_millis(100)));
    let mut response = refusal(&*shared.service, 503, "the server is busy; try again in a moment");
    let sent =
        Output::new(&slot.socket, &shared.compressors, &shared.limits).send(&mut response, WriteMode::last(None));
    tell(shared, None, &response, sent.bytes, began);
    // Closing with something unread would reset the connection, and the client might never see the answer.
    let _ = slot.socket.shutdown(Shutdown::Write);
    let _ = slot.socket.set_nonblocking(true);
    let _ = (&slot.socket).read(&mut [0; 16 * 1024]);
}

fn tell<S: Service>(shared: &Shared<S>, head: Option<&Head>, response: &Response, bytes: u64, began: Instant) {
    let (client, elapsed) = (response.client.as_deref(), began.elapsed());
    let served = Served { head, status: response.status, bytes, elapsed, client, route: response.route };
    guarded("served", || shared.service.served(&served));
}

struct Connection<'a, S> {
    shared: &'a Shared<S>,
    slot: &'a Slot,
    peer: IpAddr,
    input: Input<'a>,
    output: Output<'a>,
}

impl<S: Service> Connection<'_, S> {
    fn enter(&self, phase: Phase) -> Result<(), End> {
        if self.shared.slots.enter(self.slot, phase) { Ok(()) } else { Err(End) }
    }

    /// One request and its answer.
    fn exchange(&mut self) -> Result<(), End> {
        self.enter(Phase::Idle)?;
        if self.shared.stop.asked() {
            return self.part();
        }
        if self.input.bytes().is_empty() {
            self.input.fill(Instant::now() + self.shared.limits.idle).map_err(|_| End)?;
        }
        let began = Instant::now();
        self.enter(Phase::Head)?;
        let (head, http10) = match self.head(began) {
            Ok(parsed) => parsed,
            Err(fault) => return self.refuse(None, fault, began),
        };
        match ConnectionTerms::of(&head, http10) {
            Ok(terms) => self.serve(&head, terms, began),
            Err(fault) => self.refuse(Some(&head), fault, began),
        }
    }

    fn head(&mut self, began: Instant) -> Result<(Head, bool), Fault> {
        let length = head::receive(&mut self.input, began + self.shared.limits.head)?;
        let parsed = head::parse(&self.input.bytes()[..length], self.peer);
        self.input.consume(length);
        parsed
    }

    fn serve(&mut self, head: &Head, terms: ConnectionTerms, began: Instant) -> Result<(), End> {
        const PANICKED: Fault = Fault::Refuse(500, "internal error");
        let service = &*self.shared.service;
        self.enter(Phase::Handler)?;
        let (ticket, limit) = match guarded("admit", || service.admit(head)) {
            Some(Ok(admitted)) => admitted,
            Some(Err(response)) => return self.reply(head, terms, response, terms.framing, began),
            None => return self.refuse(Some(head), PANICKED, began),
        };
        let (body, unread) = if limit == 0 {
            (Received::empty(), terms.framing)
        } else {
            match self.body(terms, limit)? {
                Ok(body) => (body, Framing::None),
                Err(fault) => return self.refuse(Some(head), fault, began),
            }
        };
        match guarded("answer", || service.answer(head, ticket, body)) {
            Some(response) => self.reply(head, terms, response, unread, began),
            None => self.refuse(Some(head), PANICKED, began),
        }
    }

    /// Receives the body of an admitted request.
    fn body(&mut self, terms: ConnectionTerms, limit: usize) -> Result<Result<Received, Fault>, End> {
        match terms.framing {
            Framing::None => return Ok(Ok(Received::empty())),
            Framing::Length(length) if usize::try_from(length).map_or(true, |length| length > limit) => {
                return Ok(Err(Fault::Refuse(413, "the body of the request is too large")));
            }
            _ => self.enter(Phase::Body)?,
        }
        let spools = self.shared.service.spools();
        if let Err(fault) = body::check_room(terms.framing, spools) {
            return Ok(Err(fault));
        }
        if terms.expects && !self.output.send_continue() {
            return Err(End);
        }
        let received = body::receive(&mut self.input, terms.framing, limit, &self.shared.limits, spools);
        if received.is_ok() {
            self.enter(Phase::Handler)?;
        }
        Ok(received)
    }

    /// Sends an answer; `unread` is the body that the client is sending and nobody wants.
    fn reply(
        &mut self,
        head: &Head,
        terms: ConnectionTerms,
        response: Response,
        unread: Framing,
        began: Instant,
    ) -> Result<(), End> {
        let discard = match unread {
            Framing::None => Some(0),
            // Who waits for a word that does not come may or may not send the body, so nothing can follow it.
            Framing::Length(length) if length <= MAX_DISCARDED && !terms.expects => Some(length),
            _ => None,
        };
        let asked = response.header("Connection") == Some("close");
        let close = terms.close || asked || discard.is_none() || self.shared.stop.asked();
        match (self.send(Some(head), WriteMode::of(head, terms, close), response, began)?, discard) {
            (Ending::Open, Some(0)) => Ok(()),
            (Ending::Open, Some(length)) => {
                self.enter(Phase::Body)?;
                self.input.discard(length, Instant::now() + self.shared.limits.body_grace).map_err(|_| End)
            }
            (_, Some(0)) => self.part(),
            _ => self.linger(),
        }
    }

    /// Refuses a request after which the connection cannot go on.
    fn refuse(&mut self, head: Option<&Head>, fault: Fault, began: Instant) -> Result<(), End> {
        let Fault::Refuse(status, reason) = fault else { return Err(End) };
        let response = refusal(&*self.shared.service, status, reason);
        self.send(head, WriteMode::last(head), response, began)?;
        self.linger()
    }

    fn send(
        &mut self,
        head: Option<&Head>,
        mut mode: WriteMode,
        mut response: Response,
        began: Instant,
    ) -> Result<Ending, End> {
        self.enter(Phase::Write)?;
        let mut sent = self.output.send(&mut response, mode);
        if sent.ending == Ending::BodyFailedEarly {
            mode.close = true;
            response = refusal(&*self.shared.service, 500, "internal error");
            sent = self.output.send(&mut response, mode);
        }
        tell(self.shared, head, &response, sent.bytes, began);
        if matches!(sent.ending, Ending::Cut | Ending::BodyFailedEarly) { Err(End) } else { Ok(sent.ending) }
    }

    /// Ends the connection after an answer was sent in full.
    fn part(&mut self) -> Result<(), End> {
        if self.input.bytes().is_empty() { Err(End) } else { self.linger() }
    }

    /// Ends the connection towards a client that may still be sending: closing at once would reset it, and the
    /// answer would be lost with what was not read.
    fn linger(&mut self) -> Result<(), End> {
        let _ = self.slot.socket.shutdown(Shutdown::Write);
        let _ = self.input.discard(MAX_LINGERING, Instant::now() + self.shared.limits.linger);
        Err(End)
    }
}
