//! What must be true of a server, checked from outside against the clients' lists.
//!
//! Acknowledged: there exactly once, with the outcome that was answered. Unacknowledged: at most once. Nothing else is
//! there. Events, balances, the index, the payments' rows and the sums all say the same; a client's payments stand in its own
//! order; what the feed once showed it shows for ever.

use crate::client::{ACCOUNTS, Client, OPENING_BALANCE, Outcome, number};
use crate::disk_clock::DiskClock;
use crate::failure::Failure;
use crate::http::{Answer, Connection, Event, read_events};
use crate::random::Random;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How many checks read only what is new in the feed, before one reads it from the beginning.
const NEW_ONLY: u64 = 8;
/// Payments whose rows are looked up in one check.
const ROWS_LOOKED_UP: u64 = 12;
/// Numbers of openings: below those of payments.
const MINT_NUMBER: u64 = 1 << 20;
/// Marks of a ledger that goes on from an earlier state: above those that it may have left by then.
const LATER_MARKS: u64 = 1 << 40;

#[derive(Default)]
pub struct Ledger {
    /// Everything that the feed showed so far; the last event is a mark.
    seen: Vec<Event>,
    /// The next check reads the feed from the beginning.
    again: bool,
    marks: u64,
    pub checks: u64,
    clock: DiskClock,
    /// Where the disk stood after each check, and how many events the feed had shown by then.
    shown: Vec<(u64, usize)>,
}

#[derive(Clone, Debug)]
struct Paid {
    op: u64,
    from: u64,
    to: u64,
    amount: u64,
    left: u64,
}

/// By account.
type Balances = BTreeMap<u64, u64>;

fn call(
    connection: &mut Connection,
    command: &str,
    headers: &str,
    body: &str,
) -> Result<Answer, Failure> {
    connection
        .post(&format!("/payments/{command}"), headers, body)
        .map_err(Failure::Gone)
}

fn expect(connection: &mut Connection, command: &str, body: &str) -> Result<Value, Failure> {
    let answer = call(connection, command, "", body)?;
    if answer.status != 200 {
        return Failure::violation(format!(
            "{command} {body} was answered with {}",
            answer.text()
        ));
    }
    Ok(answer.json())
}

fn wide(value: &Value, what: &str) -> Result<u64, Failure> {
    number(value).map_or_else(
        || Failure::violation(format!("{what} is {value}, not a number")),
        Ok,
    )
}

impl Ledger {
    /// A ledger on a recorded disk.
    pub fn on(clock: &DiskClock) -> Ledger {
        Ledger {
            clock: clock.clone(),
            ..Ledger::default()
        }
    }

    /// The ledger as it was when the disk stood there: knows what the feed had shown by then.
    pub fn as_of(&self, position: u64) -> Ledger {
        let shown = self.shown.iter().rev().find(|(at, _)| *at <= position);
        let count = shown.map_or(0, |(_, count)| *count);
        Ledger {
            seen: self.seen[..count].to_vec(),
            again: true,
            marks: LATER_MARKS,
            ..Ledger::default()
        }
    }

    /// What the feed showed at the last check; the last event is that check's mark.
    pub fn events(&self) -> &[Event] {
        &self.seen
    }

    /// Opens and funds the accounts. May be repeated: each call has its key.
    pub fn open_accounts(&self, port: u16, run: u64) -> Result<(), Failure> {
        let mut connection = Connection::open(port).map_err(Failure::Gone)?;
        for id in 1..=ACCOUNTS {
            let mint = MINT_NUMBER + id;
            let calls = [
                ("open", format!(r#"{{"id":"{id}","owner":"owner {id}"}}"#)),
                (
                    "mint",
                    format!(r#"{{"number":"{mint}","to":"{id}","amount":"{OPENING_BALANCE}"}}"#),
                ),
            ];
            for (command, body) in calls {
                let key = format!("idempotency-key: {command}-{run}-{id}\r\n");
                let answer = call(&mut connection, command, &key, &body)?;
                if answer.status != 200 {
                    return Failure::violation(format!(
                        "{command} {body} was answered with {}",
                        answer.text()
                    ));
                }
            }
        }
        Ok(())
    }

    /// Compares everything. What is unanswered still may be there or not.
    pub fn check(
        &mut self,
        port: u16,
        clients: &[Client],
        random: &mut Random,
    ) -> Result<(), Failure> {
        let mut connection = Connection::open(port).map_err(Failure::Gone)?;
        self.marks += 1;
        let mark = self.marks;
        expect(
            &mut connection,
            "mark",
            &format!(r#"{{"number":"{mark}"}}"#),
        )?;
        let is_mark = |event: &Event| {
            event.name == "payments.Marked" && number(&event.data["number"]) == Some(mark)
        };
        let from_start = self.again || self.checks.is_multiple_of(NEW_ONLY);
        let last_op = self.seen.last().map_or(0, |event| event.op);
        let events = if from_start {
            read_events(port, 0, is_mark)?
        } else {
            let mut events = self.seen.clone();
            events.extend(read_events(port, last_op + 1, is_mark)?);
            events
        };
        let (paid, balances) = replay(&events)?;
        check_acknowledged(clients, &paid)?;
        self.check_prefix(&events)?;
        check_no_phantoms(clients, &paid)?;
        check_state(&mut connection, &balances)?;
        self.check_rows(&mut connection, &paid, random)?;
        self.seen = events;
        self.shown.push((self.clock.now(), self.seen.len()));
        self.checks += 1;
        self.again = false;
        Ok(())
    }

    /// Has the next check read the feed from the beginning.
    pub fn read_again(&mut self) {
        self.again = true;
    }

    fn check_prefix(&self, events: &[Event]) -> Result<(), Failure> {
        for (index, seen) in self.seen.iter().enumerate() {
            match events.get(index) {
                Some(event) if event == seen => {}
                other => {
                    return Failure::violation(format!(
                        "event {index} was {seen:?} and is {other:?}: seen events are lost"
                    ));
                }
            }
        }
        Ok(())
    }

    fn check_rows(
        &self,
        connection: &mut Connection,
        paid: &BTreeMap<u64, Paid>,
        random: &mut Random,
    ) -> Result<(), Failure> {
        let numbers: Vec<u64> = paid.keys().copied().collect();
        for _ in 0..ROWS_LOOKED_UP.min(numbers.len() as u64) {
            let payment = numbers[random.below(numbers.len() as u64) as usize];
            let row = expect(
                connection,
                "payment",
                &format!(r#"{{"number":"{payment}"}}"#),
            )?;
            let event = &paid[&payment];
            let same = [event.from, event.to, event.amount]
                .iter()
                .enumerate()
                .all(|(at, field)| number(&row[at]) == Some(*field));
            if !same {
                return Failure::violation(format!(
                    "payment {payment}: the row says {row}, the event {event:?}"
                ));
            }
        }
        Ok(())
    }
}

/// The events as a ledger: payments by number, and balances. Each event must fit the ones before it.
fn replay(events: &[Event]) -> Result<(BTreeMap<u64, Paid>, Balances), Failure> {
    let mut balances = Balances::new();
    let mut paid: BTreeMap<u64, Paid> = BTreeMap::new();
    let mut minted = BTreeSet::new();
    let mut last = (0, 0);
    for event in events {
        if (event.op, event.k) <= last {
            return Failure::violation(format!(
                "event {}.{} comes after {}.{}",
                event.op, event.k, last.0, last.1
            ));
        }
        last = (event.op, event.k);
        let field = |name: &str| wide(&event.data[name], name);
        match event.name.as_str() {
            "payments.Minted" => {
                if !minted.insert(field("number")?) {
                    return Failure::violation(format!("minted twice: {event:?}"));
                }
                *balances.entry(field("to")?).or_default() += field("amount")?;
            }
            "payments.Paid" => {
                let payment = Paid {
                    op: event.op,
                    from: field("from")?,
                    to: field("to")?,
                    amount: field("amount")?,
                    left: field("left")?,
                };
                let payer = balances.entry(payment.from).or_default();
                if payer.checked_sub(payment.amount) != Some(payment.left) {
                    return Failure::violation(format!(
                        "{event:?} does not follow from the events before: the payer had {payer}"
                    ));
                }
                *payer = payment.left;
                *balances.entry(payment.to).or_default() += payment.amount;
                let number = field("number")?;
                if let Some(before) = paid.insert(number, payment) {
                    return Failure::violation(format!(
                        "payment {number} was done twice: {before:?} and {event:?}"
                    ));
                }
            }
            "payments.Marked" => {}
            other => return Failure::violation(format!("nobody emits {other}")),
        }
    }
    Ok((paid, balances))
}

fn check_acknowledged(clients: &[Client], paid: &BTreeMap<u64, Paid>) -> Result<(), Failure> {
    let mut lost = Vec::new();
    for client in clients {
        let mut last_op = 0;
        for acknowledged in &client.acknowledged {
            let payment = acknowledged.payment;
            match (acknowledged.outcome, paid.get(&payment.number)) {
                (Outcome::Paid { .. }, None) => lost.push(payment),
                (Outcome::Paid { left }, Some(event)) => {
                    let same = (event.from, event.to, event.amount, event.left)
                        == (payment.from, payment.to, payment.amount, left);
                    if !same || acknowledged.op.is_some_and(|op| op != event.op) {
                        return Failure::violation(format!(
                            "{acknowledged:?} was acknowledged, the event is {event:?}"
                        ));
                    }
                    if event.op <= last_op {
                        return Failure::violation(format!(
                            "{payment:?} at op {} overtook the payment before it",
                            event.op
                        ));
                    }
                    last_op = event.op;
                }
                (Outcome::Insufficient, None) => {}
                (Outcome::Insufficient, Some(event)) => {
                    return Failure::violation(format!(
                        "{payment:?} was refused and is done: {event:?}"
                    ));
                }
            }
        }
    }
    match lost.first() {
        None => Ok(()),
        Some(first) => Failure::violation(format!(
            "{} acknowledged payments are lost, the first is {first:?}",
            lost.len()
        )),
    }
}

fn check_no_phantoms(clients: &[Client], paid: &BTreeMap<u64, Paid>) -> Result<(), Failure> {
    let mut sent: BTreeSet<u64> = BTreeSet::new();
    for client in clients {
        sent.extend(
            client
                .acknowledged
                .iter()
                .map(|acknowledged| acknowledged.payment.number),
        );
        sent.extend(client.pending().map(|payment| payment.number));
    }
    match paid.iter().find(|(number, _)| !sent.contains(number)) {
        None => Ok(()),
        Some((number, event)) => {
            Failure::violation(format!("nobody sent payment {number}: {event:?}"))
        }
    }
}

fn check_state(connection: &mut Connection, balances: &Balances) -> Result<(), Failure> {
    for (id, expected) in balances {
        let balance = wide(
            &expect(connection, "balance", &format!(r#"{{"id":"{id}"}}"#))?,
            "a balance",
        )?;
        if balance != *expected {
            return Failure::violation(format!(
                "account {id} has {balance}, the events say {expected}"
            ));
        }
    }
    let sum: u64 = balances.values().sum();
    let totals = expect(connection, "totals", "{}")?;
    if number(&totals[0]) != Some(sum) || number(&totals[1]) != Some(sum) {
        return Failure::violation(format!(
            "supply and minted are {totals}, the balances sum to {sum}"
        ));
    }
    let index = expect(connection, "by_balance", "{}")?;
    let mut expected: Vec<(u64, u64)> = balances
        .iter()
        .map(|(id, balance)| (*balance, *id))
        .collect();
    expected.sort_unstable();
    let found: Vec<(u64, u64)> = index
        .as_array()
        .map(|rows| {
            rows.iter()
                .filter_map(|row| Some((number(&row[1])?, number(&row[0])?)))
                .collect()
        })
        .unwrap_or_default();
    if found != expected {
        return Failure::violation(format!(
            "the index says {index}, the balances are {expected:?}"
        ));
    }
    Ok(())
}
