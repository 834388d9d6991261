//! The command that revives a banned masternode, with placeholders for values that only its operator has.
//!
//! Never here: the command itself (`domain::revival`); keys.

use maud::{Markup, html};

use crate::web::api::json::Subject;
use domain::revival::{self, NEW_KEY, NOTES};

/// The section; nothing for a masternode that is not banned, or on a chain where bans end otherwise.
pub(super) fn section(subject: &Subject<'_>) -> Markup {
    let commands =
        subject.node.and_then(|node| revival::commands_for(node.masternode, subject.snapshot.facts().v24_active()));
    html! {
        @if let Some(commands) = commands {
            section aria-labelledby="revival" {
                h2 #revival { "Revival" }
                p { a href="/runbooks/MasternodePoSeBanned" { "Runbook of a banned masternode" } }
                p { "Find and fix the cause of the ban first. Then send a service update as the operator:" }
                @for command in commands {
                    @if !command.when.is_empty() { p { (command.when) ":" } }
                    pre tabindex="0" role="region" aria-label="Revival command" { code { (command.text) } }
                }
                @for note in NOTES.iter().chain([&NEW_KEY]) { p.quiet { (note) } }
            }
        }
    }
}
