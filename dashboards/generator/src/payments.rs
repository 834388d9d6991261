//! Expected and received payments.
//!
//! Never here: prices.

use serde_json::Value;

use crate::board::Board;
use crate::fleet::{blocks_until_paid, chosen_within, data_age_panel};
use crate::panel::{
    AMOUNTS, BLOCKS, CALM, Column, DRAWN, EXPECTED, FAINT, HARM, LEVEL, NEAR, PAID, PLAIN, POOLED, Panel, QUEUED,
    to_masternode,
};
use crate::queries::{CHOSEN, KEY, as_seconds, chosen, networks, rise};

/// The dashboard.
pub(crate) fn board() -> Value {
    let about = "The payment queue, probabilities, expected and received payments. Without a history, counters begin when the exporter starts.";
    let board = Board::new("masternode-payments", "Payments", about, "now-7d", "now");
    let board = board.networks().groups().aliases().horizons();
    let lost = format!("sum by (network, alias) ({}) > 0", rise("masternode_payments_lost_total", "$__rate_interval"));
    let board = board.annotation("Payments lost", &lost, "{{alias}} lost a payment on {{network}}", HARM, true);
    let board = next(board.row("What comes"));
    let board = came(board.row("What came"));
    pool(board.row("Random selection (Dimecoin and PRCYCoin)")).build()
}

fn next(board: Board) -> Board {
    let columns = vec![
        Column::new("Queue position", "none", chosen("masternode_payment_queue_position")),
        Column::new("Blocks until paid, at most", BLOCKS, blocks_until_paid()),
        Column::new(
            "Paid until, at the latest",
            "dateTimeAsIso",
            format!("1000 * (time() + {})", as_seconds(&blocks_until_paid())),
        ),
        Column::new("Paid within $horizon", "percentunit", chosen_within()),
        Column::new(
            "Probability of the next selection",
            "percentunit",
            chosen("masternode_payment_draw_probability_ratio"),
        ),
        Column::new("Last paid at block", "none", chosen("masternode_payment_last_height")),
    ];
    let labels = [("alias", "Alias"), ("network", "Network"), ("masternode", "Masternode")];
    board
        .panel(data_age_panel())
        .panel(
            Panel::stat("Payment cycle", "Time in which every valid masternode is paid once, by the measured block time.", "s")
                .levels(PLAIN, &[])
                .or_says(QUEUED)
                .query("{{network}}", as_seconds(&networks("masternode_network_payment_cycle_blocks", "network")))
                .size(5, 4),
        )
        .panel(
            Panel::stat("Paid within $horizon, on average", "Mean probability of the selected masternodes, including those that cannot be paid.", "percentunit")
                .levels(HARM, &[(0.000_001, CALM)])
                .query("{{network}}", format!("avg by (network) ({})", chosen_within()))
                .size(5, 4),
        )
        .panel(
            Panel::stat("Not paid", "Selected masternodes whose probability of a payment is 0 in every horizon: banned or not eligible.", "none")
                .levels(CALM, &[(1.0, NEAR)])
                .query("{{network}}", format!("count by (network) ({} == 0) or 0 * count by (network) ({0})", chosen("masternode_payment_probability_ratio")))
                .size(10, 4),
        )
        .panel(
            Panel::table("Next payments", "Soonest first. On chains with a fixed order, the masternode is paid by that block at the latest; the position improves when others leave the queue. On chains with random selection there is only a probability.", &labels, columns, &[("Queue position", false)])
                .levels(CALM, &[])
                .series("alias", &[("links", to_masternode())]),
        )
        .panel(
            Panel::lines("Queue position", "The first 20. 1 is the next block. A jump up is a payment, or a ban and its revival. On chains with a pool, 1 is the longest unpaid.", "none")
                .levels(CALM, &[])
                .query("{{network}} {{alias}}", format!("bottomk(20, {})", chosen("masternode_payment_queue_position"))),
        )
        .panel(
            Panel::lines("Probability of a payment within $horizon", "The 20 highest. With a fixed order it is 0 or 100 %.", "percentunit")
                .levels(CALM, &[])
                .between(0.0, 1.0)
                .query("{{network}} {{alias}}", format!("topk(20, {})", chosen_within())),
        )
}

/// Expected payments in the selected time range.
fn expected() -> String {
    // With a fixed order: one per cycle while it can be paid. With random selection: one selection per block.
    let queue = format!(
        "avg_over_time(masternode_enabled{{{CHOSEN}}}[$__range]) * on (network) group_left () (1 / {})",
        networks("masternode_network_payment_cycle_blocks", "network")
    );
    let drawn = format!("avg_over_time(masternode_payment_draw_probability_ratio{{{CHOSEN}}}[$__range])");
    let blocks =
        format!("max by (network) (delta(masternode_network_height{{{}}}[$__range]))", crate::queries::NETWORKS);
    format!(
        "sum by (network) ((max by ({KEY}) ({drawn}) or max by ({KEY}) ({queue})) * on (network) group_left () {blocks})"
    )
}

/// Coins paid to the selected masternodes in a window, by recipient.
fn earned(window: &str) -> String {
    let each = format!("max by ({KEY}, recipient) (increase(masternode_payment_amount_total{{{CHOSEN}}}[{window}]))");
    format!("sum by (network, recipient) ({each})")
}

fn came(board: Board) -> Board {
    let sum = |family: &str| format!("sum by (network) ({})", rise(family, "$__range"));
    let bars = |family: &str| format!("sum by (network) ({})", rise(family, "$__rate_interval"));
    board
        .panel(
            Panel::gauges("Expected and received payments", "Expected: one payment per cycle for each masternode while it could be paid; on chains with random selection, its mean probability per block. Over a short time the two differ by chance and by queue position; over several cycles they should agree.", "none")
                .decimals(1)
                .levels(PLAIN, &[])
                .query("{{network}} expected", expected())
                .query("{{network}} received", sum("masternode_payments_total")),
        )
        .panel(
            Panel::stat("Lost queue positions", "Payments lost in the selected time range: queue positions lost by a ban or a removal, each of which costs a whole cycle; on Dimecoin, voted blocks that paid another payee.", "none")
                .decimals(0)
                .levels(CALM, &[(0.5, HARM)])
                .or_says(PAID)
                .query("{{network}}", sum("masternode_payments_lost_total"))
                .size(12, 8),
        )
        .panel(
            Panel::bars("Received", "Payments per time step.", "none")
                .levels(CALM, &[])
                .or_says(PAID)
                .query("{{network}}", bars("masternode_payments_total")),
        )
        .panel(
            Panel::bars("Lost", "Lost queue positions per time step.", "none")
                .levels(CALM, &[])
                .or_says(PAID)
                .query("{{network}}", bars("masternode_payments_lost_total")),
        )
        .panel(
            Panel::bars("Earned", "Coins paid per time step, by recipient. Payments of unknown amount are not in it. Sums of a month by group, masternode or payee: `masternode-exporter earnings`.", "none")
                .levels(CALM, &[])
                .or_says(AMOUNTS)
                .query("{{network}} {{recipient}}", earned("$__rate_interval")),
        )
        .panel(
            Panel::stat("Earned, and not earned during bans", "Coins paid in the selected time range, by recipient, and the estimated cost so far of bans that last.", "none")
                .decimals(2)
                .levels(CALM, &[])
                .or_says(AMOUNTS)
                .query("{{network}} {{recipient}}", earned("$__range"))
                .query("{{network}} not earned", format!("sum by (network) ({})", chosen("masternode_pose_ban_lost_amount")))
                .size(12, 8),
        )
}

/// The next block for which a masternode is elected, of those that are as sure as this.
fn elected(certainty: &str) -> String {
    format!("max by ({KEY}) (masternode_payment_elected_height{{{CHOSEN},certainty=\"{certainty}\"}})")
}

fn pool(board: Board) -> Board {
    let votes = vec![
        Column::new("At block", "none", chosen("masternode_payment_scheduled_height")),
        Column::new("Votes", "none", chosen("masternode_payment_scheduled_votes")),
        Column::new("Elected for block", "none", elected("exact")),
        Column::new("Forecast for block", "none", elected("forecast")),
    ];
    let (seconds, blocks) =
        (chosen("masternode_payment_held_out_seconds"), chosen("masternode_payment_held_out_blocks"));
    let rows = format!("{seconds} > 0 or {blocks} > 0");
    let held = vec![
        Column::new("For seconds", "s", format!("{seconds} and ({rows})")),
        Column::new("For blocks", BLOCKS, format!("{blocks} and ({rows})")),
    ];
    let members =
        format!("sum by (network) (max by (network, masternode) (masternode_payment_pool_member{{{CHOSEN}}}))");
    let labels = [("alias", "Alias"), ("network", "Network"), ("masternode", "Masternode")];
    board
        .panel(
            Panel::lines("Pool and queue", "Number of candidates for the next payment, and length of the queue whose head is the pool.", "none")
                .levels(CALM, &[])
                .or_says(DRAWN)
                .query("{{network}} pool", networks("masternode_network_payment_pool_size", "network"))
                .query("{{network}} queue", networks("masternode_network_payment_eligible_nodes", "network")),
        )
        .panel(
            Panel::lines("Selected masternodes in the pool", "Number of selected masternodes in the pool of the next vote.", "none")
                .levels(CALM, &[])
                .or_says(POOLED)
                .query("{{network}}", members),
        )
        .panel(
            Panel::table("Voted payments", "Next block with votes for the masternode's address; 6 votes are binding where payments are enforced. The blocks for which it is elected by known hashes: by the vote at the tip, and from the queue as it is now.", &labels, votes, &[("At block", false)])
                .levels(EXPECTED, &[])
                .or_says("No selected masternode has votes or is elected, or a chain without elections")
                .size(12, 8),
        )
        .panel(
            Panel::table("Excluded from the queue", "After a start a masternode waits until its collateral is deep enough, and for 156 seconds per known masternode.", &labels, held, &[("For seconds", true)])
                .levels(FAINT, &[])
                .or_says("None is excluded, or a chain without a pool")
                .size(12, 8),
        )
        .panel(
            Panel::lines("Probability of the next selection", "Probability that the next selection pays the masternode, the 20 highest. 0 outside the pool.", "percentunit")
                .levels(LEVEL, &[])
                .or_says(DRAWN)
                .query("{{network}} {{alias}}", format!("topk(20, {})", chosen("masternode_payment_draw_probability_ratio")))
                .size(24, 8),
        )
}
