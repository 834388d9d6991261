//! The order of the masternodes in the table: by one of its columns.
//!
//! Never here: the order without a choice, which is by danger.

use crate::web::pages::rows::Row;
use domain::snapshot::{NodeView, Snapshot};

/// A column by which masternodes can be sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Name,
    Score,
    Safe,
    Ping,
    Queue,
    Payment,
}

impl Column {
    const ALL: [(&'static str, Column); 6] = [
        ("name", Column::Name),
        ("score", Column::Score),
        ("safe", Column::Safe),
        ("ping", Column::Ping),
        ("queue", Column::Queue),
        ("payment", Column::Payment),
    ];

    fn name(self) -> &'static str {
        Column::ALL.iter().find(|(_, column)| *column == self).map_or("", |(name, _)| name)
    }
}

/// An order: a column, ascending or descending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sort {
    pub(super) column: Column,
    pub(super) descending: bool,
}

impl Sort {
    /// The order in which a column is most useful: the highest score first, the next payment first.
    pub(super) fn first(column: Column) -> Sort {
        Sort { column, descending: matches!(column, Column::Score | Column::Safe) }
    }

    /// The orders of the form, with their labels.
    pub(super) const OFFERED: [(Column, &'static str); 6] = [
        (Column::Name, "name"),
        (Column::Score, "highest score"),
        (Column::Safe, "longest until safe"),
        (Column::Ping, "oldest ping"),
        (Column::Queue, "payment queue"),
        (Column::Payment, "next payment"),
    ];

    /// `name`, or `-name` for descending; `None` for anything else.
    pub(super) fn read(text: &str) -> Option<Sort> {
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let (_, column) = Column::ALL.into_iter().find(|(known, _)| *known == name)?;
        Some(Sort { column, descending })
    }

    /// The value of the parameter.
    pub(super) fn text(self) -> String {
        format!("{}{}", if self.descending { "-" } else { "" }, self.column.name())
    }

    /// The order after a click on a column.
    pub(super) fn next(current: Option<Sort>, column: Column) -> Sort {
        match current {
            Some(sort) if sort.column == column => Sort { descending: !sort.descending, ..sort },
            _ => Sort::first(column),
        }
    }

    /// Sorts masternodes by the values of their rows. Those without a value come last, in either direction; equal ones keep
    /// their order.
    pub(super) fn apply<'a, T: Copy>(self, all: &mut Vec<T>, row: impl Fn(T) -> Row<'a>) {
        let mut keyed: Vec<(Option<Value>, T)> =
            all.drain(..).map(|one| (value(self.column, &row(one)), one)).collect();
        keyed.sort_by(|(one, _), (other, _)| match (one, other) {
            (Some(one), Some(other)) if self.descending => other.cmp(one),
            (Some(one), Some(other)) => one.cmp(other),
            (one, other) => one.is_none().cmp(&other.is_none()),
        });
        all.extend(keyed.into_iter().map(|(_, one)| one));
    }
}

/// What is compared; within a column, all are of one kind.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Number(u64),
    Text(String),
}

fn value(column: Column, row: &Row<'_>) -> Option<Value> {
    let subject = &row.subject;
    if column == Column::Name {
        let alias = subject.watched.map(|watched| watched.watched.alias.to_lowercase());
        return Some(Value::Text(alias.filter(|alias| !alias.is_empty()).unwrap_or_else(|| row.id.to_string())));
    }
    let node = subject.node?;
    let number = match column {
        Column::Name => None,
        Column::Score => node.masternode.pose_score.map(|score| u64::from(score.0)),
        Column::Safe => node.pose().and_then(|pose| pose.blocks_until_safe()).map(u64::from),
        Column::Ping => node.masternode.announced.as_ref().and_then(|announced| announced.last_seen).map(|at| at.0),
        Column::Queue => node.queue_position.map(|position| u64::from(position.get())),
        Column::Payment => payment(subject.snapshot, &node),
    };
    number.map(Value::Number)
}

/// The block of the next payment; where only a chance is known, after all of these, the most probable first.
fn payment(snapshot: &Snapshot, node: &NodeView<'_>) -> Option<u64> {
    let payments = snapshot.payments();
    let scheduled = payments.pool().and_then(|pool| pool.scheduled(node.index)).map(|scheduled| scheduled.height);
    let elected = payments.elections().of(node.index).next().map(|ahead| ahead.height);
    let height = scheduled.or(elected).or_else(|| payments.projected_height(node.index));
    let by_chance = || {
        let chance = snapshot.payment_probability(node, 86_400).filter(|chance| *chance > 0.0)?;
        Some((1 << 32) + ((1.0 - chance) * f64::from(u32::MAX)) as u64)
    };
    height.map(|height| u64::from(height.0)).or_else(by_chance)
}

/// `ascending` or `descending` for the attribute `aria-sort`; `None` for another column.
pub(super) fn direction(current: Option<Sort>, column: Column) -> Option<&'static str> {
    let sort = current.filter(|sort| sort.column == column)?;
    Some(if sort.descending { "descending" } else { "ascending" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_as_it_is_written_and_a_second_click_turns_it_around() {
        for (column, _) in Sort::OFFERED {
            let first = Sort::next(None, column);
            let second = Sort::next(Some(first), column);
            assert_eq!(second, Sort { column, descending: !first.descending });
            assert_eq!(Sort::next(Some(second), column), first);
            for sort in [first, second] {
                assert_eq!(Sort::read(&sort.text()), Some(sort));
            }
            assert_eq!(direction(Some(Sort { column, descending: false }), column), Some("ascending"));
            assert_eq!(direction(Some(Sort { column, descending: true }), column), Some("descending"));
        }
        for nothing in ["", "-", "danger", "--name", "name-", "Score"] {
            assert_eq!(Sort::read(nothing), None, "{nothing}");
        }
    }
}
