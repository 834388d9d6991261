//! The filter form of the masternodes, and the links between pages.
//!
//! Never here: the filter itself.

use std::collections::BTreeSet;

use maud::{Markup, html};

use crate::web::pages::overview::PATH;
use crate::web::pages::query::{PageQuery, Refresh, Show};
use crate::web::pages::sorting::Sort;
use domain::snapshot::Snapshot;

/// The form with the current values.
pub(super) fn form(snapshots: &[&Snapshot], asked: &PageQuery, show: Show) -> Markup {
    let networks: BTreeSet<String> = snapshots.iter().map(|snapshot| snapshot.network().to_string()).collect();
    let groups = snapshots.iter().flat_map(|snapshot| snapshot.groups().keys());
    let groups: BTreeSet<String> = groups.map(|(key, group)| format!("{key}={group}")).collect();
    let states = snapshots.iter().flat_map(|snapshot| snapshot.rules().states.iter());
    let states: BTreeSet<String> = states.map(|state| state.label.to_string()).collect();
    html! {
        form.filter method="get" action=(PATH) role="search" {
            label { "Show" select name="show" {
                @for choice in Show::ALL { option value=(choice.name()) selected[choice == show] { (choice.said()) } }
            } }
            label { "Alias, hash or address" input type="search" name="q" value=(asked.text) autocomplete="off"; }
            @if networks.len() > 1 { (choice("Network", "network", &networks, &asked.network)) }
            @if !groups.is_empty() { (choice("Group", "group", &groups, &asked.group)) }
            (choice("State", "state", &states, &asked.state))
            (orders(asked.sort))
            @if asked.refresh == Refresh::Never { input type="hidden" name="refresh" value="off"; }
            button type="submit" { "Filter" }
        }
    }
}

/// The order of the table, for a screen without its header.
fn orders(asked: Option<Sort>) -> Markup {
    let offered = Sort::OFFERED.map(|(column, label)| (Sort::first(column), label));
    let other = asked.filter(|asked| offered.iter().all(|(sort, _)| sort != asked));
    html! {
        label { "Sort by" select name="sort" {
            option value="" { "closest to a ban" }
            @for (sort, label) in offered { option value=(sort.text()) selected[Some(sort) == asked] { (label) } }
            @if let Some(other) = other { option value=(other.text()) selected { (other.text()) } }
        } }
    }
}

/// A select field whose first option is any. A selected value that no longer exists stays visible.
pub(super) fn choice(label: &str, name: &str, there_are: &BTreeSet<String>, asked: &str) -> Markup {
    let gone = !asked.is_empty() && !there_are.contains(asked);
    html! {
        label { (label) select name=(name) {
            option value="" { "any" }
            @for value in there_are { option value=(value) selected[value == asked] { (value) } }
            @if gone { option value=(asked) selected { (asked) " (unknown)" } }
        } }
    }
}

/// Links to the previous and the next page.
pub(super) fn paging(asked: &PageQuery, page: usize, pages: usize, last: usize) -> Markup {
    let to = |page: usize| PageQuery { page, ..asked.clone() }.address(PATH);
    html! {
        nav.paging aria-label="Pages" {
            @if page > 1 { a rel="prev" href=(to(page - 1)) { "Previous" } }
            span { "Page " (page) " of " (pages) ", up to masternode " (last) }
            @if page < pages { a rel="next" href=(to(page + 1)) { "Next" } }
        }
    }
}
