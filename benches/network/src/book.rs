//! The client's own book: which payments to make, and what every balance must be after those that were acknowledged.
//!
//! Always true: the sum of the balances is what was funded; the stream of payments is a function of the seed.

use crate::Fallible;
use std::cell::RefCell;
use std::rc::Rc;

/// What each account starts with: no turn is long enough to spend it.
pub const FUNDS: u64 = 1_000_000;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.number()) * u128::from(bound)) >> 64) as u64
    }
}

/// The id of the account with this index: ids in order say nothing of places in memory.
pub fn id(index: u64) -> u64 {
    index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16
}

/// A payment, accounts by index.
#[derive(Clone, Copy)]
pub struct Payment {
    from: u64,
    to: u64,
    pub amount: u64,
}

impl Payment {
    pub fn from(&self) -> u64 {
        id(self.from)
    }

    pub fn to(&self) -> u64 {
        id(self.to)
    }
}

pub struct Book {
    random: Random,
    balances: Vec<u64>,
    /// Payments acknowledged.
    pub paid: u64,
}

pub type SharedBook = Rc<RefCell<Book>>;

impl Book {
    pub fn shared(accounts: u64, seed: u64) -> SharedBook {
        Rc::new(RefCell::new(Book {
            random: Random(seed),
            balances: vec![FUNDS; accounts as usize],
            paid: 0,
        }))
    }

    /// The next payment between two different accounts.
    pub fn draw(&mut self) -> Payment {
        let accounts = self.balances.len() as u64;
        let from = self.random.below(accounts);
        let to = (from + 1 + self.random.below(accounts - 1)) % accounts;
        Payment {
            from,
            to,
            amount: 1 + self.random.below(3),
        }
    }

    pub fn draw_batch(&mut self, count: usize, into: &mut Vec<Payment>) {
        into.clear();
        into.extend((0..count).map(|_| self.draw()));
    }

    /// Notes acknowledged payments.
    pub fn settle(&mut self, payments: &[Payment]) {
        for payment in payments {
            self.balances[payment.from as usize] -= payment.amount;
            self.balances[payment.to as usize] += payment.amount;
        }
        self.paid += payments.len() as u64;
    }

    pub fn sum(&self) -> u64 {
        self.balances.iter().sum()
    }

    /// Fails on the first balance that is not the book's.
    pub fn compare(&self, whose: &str, found: &[u64]) -> Fallible<()> {
        if found.len() != self.balances.len() {
            return Err(format!(
                "{whose} has {} accounts, not {}",
                found.len(),
                self.balances.len()
            )
            .into());
        }
        match (0..found.len()).find(|index| found[*index] != self.balances[*index]) {
            None => Ok(()),
            Some(index) => Err(format!(
                "{whose} has {} on account {}, the client's book has {}",
                found[index],
                id(index as u64),
                self.balances[index]
            )
            .into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_book_knows_a_lost_a_doubled_and_a_moved_payment() {
        let book = Book::shared(10, 1);
        let mut book = book.borrow_mut();
        let mut payments = Vec::new();
        book.draw_batch(100, &mut payments);
        let mut server = vec![FUNDS; 10];
        for payment in &payments {
            server[payment.from as usize] -= payment.amount;
            server[payment.to as usize] += payment.amount;
        }
        assert!(
            book.compare("a server with unacknowledged payments", &server)
                .is_err()
        );
        book.settle(&payments);
        assert!(book.compare("a server", &server).is_ok());
        assert_eq!((book.paid, book.sum()), (100, 10 * FUNDS));
        book.settle(&payments[..1]);
        assert!(book.compare("a server that lost one", &server).is_err());
        server.swap(0, 1);
        assert!(
            book.compare("a server that took the wrong rows", &server)
                .is_err()
        );
    }
}
