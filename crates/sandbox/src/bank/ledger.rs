//! What moved on the accounts of a login.
//!
//! Invariants: money moves by the calendar, so history never changes while time goes on: a later look shows the same
//! transactions and new ones. Every month is complete in itself (what is left goes to savings, the card is paid, the line
//! of credit is paid back; savings are invested at New Year's Eve), so balances stay plausible in any year.

use flinks_connect::id::LoginId;
use jiff::ToSpan;
use jiff::civil::Date;
use uuid::Uuid;

use super::account::Kind;
use crate::demo;

const CHEQUING_OPENING: i64 = 260_000;
const SAVINGS_OPENING: i64 = 500_000;
const SAVINGS_INTEREST: i64 = 940;
const CREDIT_LINE_OWED: i64 = 300_000;

const PAID_BY_DEBIT: [&str; 4] = ["Corner grocery", "Farmers market", "Pharmacy", "Interac e-Transfer sent"];
const PAID_BY_CARD: [&str; 6] =
    ["Coffee roaster", "Transit pass", "Bookshop", "Hardware store", "Bistro", "Online order"];

/// The sandbox's today, in UTC.
#[must_use]
pub fn date_at(now_ms: u64) -> Date {
    let timestamp = i64::try_from(now_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    timestamp.map_or(Date::MAX, |timestamp| jiff::tz::Offset::UTC.to_datetime(timestamp).date())
}

/// A moment as Flinks writes `LastRefresh`: UTC without a zone.
#[must_use]
pub fn moment_at(now_ms: u64) -> String {
    let timestamp = i64::try_from(now_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let moment = timestamp.map_or(Date::MAX.into(), |timestamp| jiff::tz::Offset::UTC.to_datetime(timestamp));
    format!("{moment:.6}")
}

/// One posted transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Stable identifier.
    pub id: Uuid,
    /// The day it was posted.
    pub date: Date,
    /// What the bank printed.
    pub description: &'static str,
    /// Money in is positive, money out negative.
    pub cents: i64,
    /// The balance after it; on credit accounts what is owed.
    pub balance_cents: i64,
}

/// A movement within one month, before it has a balance.
#[derive(Clone, Copy, Debug)]
struct Movement {
    day: i8,
    description: &'static str,
    cents: i64,
}

/// The books of one login.
#[derive(Clone, Debug)]
pub struct Ledger {
    seed: u64,
    login: LoginId,
}

impl Ledger {
    /// The books of `login` in the world grown from `seed`.
    #[must_use]
    pub fn new(seed: u64, login: &LoginId) -> Self {
        Self { seed, login: login.clone() }
    }

    /// The balance at the end of `day`; on credit accounts what is owed.
    #[must_use]
    pub fn balance_cents(&self, kind: Kind, day: Date) -> i64 {
        let since = first_of_period(kind, day);
        self.transactions(kind, since, day).first().map_or_else(|| opening_cents(kind), |newest| newest.balance_cents)
    }

    /// What was posted from `first` to `last`, both included, newest first.
    #[must_use]
    pub fn transactions(&self, kind: Kind, first: Date, last: Date) -> Vec<Transaction> {
        let mut posted = Vec::new();
        let mut balance = opening_cents(kind);
        let mut month = first_of_period(kind, first);
        while month <= last {
            for (index, movement) in self.month(kind, month).into_iter().enumerate() {
                let Ok(date) = Date::new(month.year(), month.month(), movement.day) else { continue };
                balance += if kind.limit_cents().is_some() { -movement.cents } else { movement.cents };
                posted.push(Transaction {
                    id: self.derive(kind, date, index),
                    date,
                    description: movement.description,
                    cents: movement.cents,
                    balance_cents: balance,
                });
            }
            let Ok(next) = month.checked_add(1.month()) else { break };
            month = next;
        }
        posted.retain(|transaction| (first..=last).contains(&transaction.date));
        posted.reverse();
        posted
    }

    /// What moves in the month that begins at `month`, by day.
    fn month(&self, kind: Kind, month: Date) -> Vec<Movement> {
        let mut movements = match kind {
            Kind::Chequing => self.chequing(month),
            Kind::Savings => self.savings(month),
            Kind::CreditCard => self.credit_card(month),
            Kind::LineOfCredit => self.line_of_credit(month),
        };
        movements.sort_by_key(|movement| movement.day);
        movements
    }

    fn chequing(&self, month: Date) -> Vec<Movement> {
        let mut movements = self.chequing_before_savings(month);
        let left = sum(&movements);
        movements.push(Movement { day: 28, description: "Transfer to savings", cents: -left });
        movements
    }

    fn chequing_before_savings(&self, month: Date) -> Vec<Movement> {
        let mut dice = self.dice(Kind::Chequing, month);
        let mut movements = vec![
            Movement { day: 1, description: "Rent", cents: -145_000 },
            Movement { day: 5, description: "Electricity", cents: -dice.between(6_000, 14_000) },
            Movement { day: 8, description: "Mobile phone", cents: -6_500 },
            Movement { day: 13, description: "Payroll deposit", cents: 215_000 },
            Movement {
                day: 20,
                description: "Line of credit payment",
                cents: -sum_of(&self.line_of_credit(month), "Payment received"),
            },
            Movement { day: 27, description: "Payroll deposit", cents: 215_000 },
            Movement {
                day: 27,
                description: "Credit card payment",
                cents: -sum_of(&self.credit_card(month), "Payment received"),
            },
        ];
        for day in (2..27).step_by(4) {
            movements.push(Movement {
                day,
                description: dice.pick(&PAID_BY_DEBIT),
                cents: -dice.between(1_800, 14_000),
            });
        }
        movements
    }

    fn savings(&self, month: Date) -> Vec<Movement> {
        let mut movements = self.saved(month);
        if month.month() == 12 {
            let year = (1..=12).filter_map(|number| Date::new(month.year(), number, 1).ok());
            let cents = -year.map(|month| sum(&self.saved(month))).sum::<i64>();
            movements.push(Movement { day: 31, description: "Transfer to RRSP", cents });
        }
        movements
    }

    fn saved(&self, month: Date) -> Vec<Movement> {
        let left = sum(&self.chequing_before_savings(month));
        vec![
            Movement { day: 1, description: "Interest paid", cents: SAVINGS_INTEREST },
            Movement { day: 28, description: "Transfer from chequing", cents: left },
        ]
    }

    fn credit_card(&self, month: Date) -> Vec<Movement> {
        let mut dice = self.dice(Kind::CreditCard, month);
        let mut movements: Vec<_> = (1..25)
            .step_by(2)
            .map(|day| Movement { day, description: dice.pick(&PAID_BY_CARD), cents: -dice.between(450, 9_500) })
            .collect();
        movements.push(Movement { day: 27, description: "Payment received", cents: -sum(&movements) });
        movements
    }

    fn line_of_credit(&self, month: Date) -> Vec<Movement> {
        let mut dice = self.dice(Kind::LineOfCredit, month);
        let mut movements = vec![
            Movement { day: 5, description: "Cash advance", cents: -dice.between(10_000, 30_000) },
            Movement { day: 10, description: "Interest charge", cents: -1_730 },
        ];
        movements.push(Movement { day: 20, description: "Payment received", cents: -sum(&movements) });
        movements
    }

    fn dice(&self, kind: Kind, month: Date) -> Dice {
        let (state, _) = self.derive(kind, month, usize::MAX).as_u64_pair();
        Dice { state }
    }

    fn derive(&self, kind: Kind, date: Date, index: usize) -> Uuid {
        let name = format!("{}/{}/{}/{date}/{index}", self.seed, self.login.as_str(), kind.name());
        Uuid::new_v5(&demo::NAMESPACE, name.as_bytes())
    }
}

fn opening_cents(kind: Kind) -> i64 {
    match kind {
        Kind::Chequing => CHEQUING_OPENING,
        Kind::Savings => SAVINGS_OPENING,
        Kind::CreditCard => 0,
        Kind::LineOfCredit => CREDIT_LINE_OWED,
    }
}

/// Where the account was at its opening balance last.
fn first_of_period(kind: Kind, day: Date) -> Date {
    match kind {
        Kind::Savings => day.first_of_year(),
        Kind::Chequing | Kind::CreditCard | Kind::LineOfCredit => day.first_of_month(),
    }
}

fn sum(movements: &[Movement]) -> i64 {
    movements.iter().map(|movement| movement.cents).sum()
}

fn sum_of(movements: &[Movement], description: &str) -> i64 {
    movements.iter().filter(|movement| movement.description == description).map(|movement| movement.cents).sum()
}

/// A small generator of our own, so that no release of a random-number crate rewrites history.
#[derive(Debug)]
struct Dice {
    state: u64,
}

impl Dice {
    /// Weyl sequence and a finaliser: enough for prices.
    fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 29)
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.abs_diff(low).max(1);
        low.saturating_add_unsigned(self.roll() % width)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let index = usize::try_from(self.roll() % 1024).unwrap_or_default() % from.len().max(1);
        from.get(index).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> Ledger {
        Ledger::new(7, &LoginId::parse("0d5a3c10-0001-4000-8000-000000000001").unwrap())
    }

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn the_same_seed_tells_the_same_story_and_another_one_another() {
        let (first, last) = (day("2026-01-01"), day("2026-12-31"));
        for kind in Kind::ALL {
            assert_eq!(ledger().transactions(kind, first, last), ledger().transactions(kind, first, last));
        }
        let other = Ledger::new(8, &ledger().login);
        assert_ne!(
            ledger().transactions(Kind::CreditCard, first, last),
            other.transactions(Kind::CreditCard, first, last)
        );
    }

    #[test]
    fn history_does_not_change_when_time_goes_on() {
        for kind in Kind::ALL {
            let early = ledger().transactions(kind, day("2026-02-10"), day("2026-05-03"));
            let late = ledger().transactions(kind, day("2026-02-10"), day("2026-09-30"));
            assert!(late.ends_with(&early), "{kind:?}");
        }
    }

    #[test]
    fn a_year_has_plausible_money_on_every_account() {
        for kind in Kind::ALL {
            let year = ledger().transactions(kind, day("2025-11-22"), day("2026-11-21"));
            assert!(year.len() >= 12, "{kind:?}: {}", year.len());
            assert!(year.windows(2).all(|pair| pair[0].date >= pair[1].date), "{kind:?}: newest first");
            for entry in &year {
                assert!(entry.balance_cents >= 0, "{kind:?} {entry:?}");
                assert!(entry.balance_cents < 5_000_000, "{kind:?} {entry:?}");
                assert_ne!(entry.cents, 0, "{kind:?} {entry:?}");
            }
        }
    }

    #[test]
    fn money_that_leaves_one_account_arrives_on_the_other() {
        let (first, last) = (day("2026-03-01"), day("2026-03-31"));
        let of = |kind, text| -> i64 {
            let all = ledger().transactions(kind, first, last);
            all.iter().filter(|entry| entry.description == text).map(|entry| entry.cents).sum()
        };
        assert_eq!(of(Kind::Chequing, "Transfer to savings"), -of(Kind::Savings, "Transfer from chequing"));
        assert_eq!(of(Kind::Chequing, "Credit card payment"), -of(Kind::CreditCard, "Payment received"));
        assert!(of(Kind::Savings, "Transfer from chequing") > 0);
    }

    #[test]
    fn a_balance_is_the_one_after_the_newest_transaction() {
        let today = day("2026-11-22");
        for kind in Kind::ALL {
            let newest = ledger().transactions(kind, day("2026-01-01"), today).remove(0);
            assert_eq!(ledger().balance_cents(kind, today), newest.balance_cents, "{kind:?}");
        }
    }
}
