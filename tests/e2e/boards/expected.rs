//! What a panel must show on which chain, and within which range.

use serde_json::Value;

use super::filling::Choice;

const DASH: &str = "dash-demo";
const DIMECOIN: &str = "dimecoin-demo";
const PRCYCOIN: &str = "prcycoin-demo";
/// The network of the exporter that keeps a history.
const KEPT: &str = "dash-kept";

/// The words that an empty panel shows, and the networks on which it must not be empty all the same.
const WORDS: &[(&str, &[&str])] = &[
    ("Only on chains with a Proof-of-Service score (Dash)", &[DASH]),
    ("Only on chains whose quorums are known (Dash)", &[DASH]),
    ("Only on networks with Evo nodes (Dash)", &[DASH]),
    ("Only on chains with ChainLocks (Dash)", &[DASH]),
    ("Only on chains that pay in a fixed order (Dash)", &[DASH]),
    ("Only on chains that draw the payee (Dimecoin, PRCYCoin)", &[DIMECOIN, PRCYCOIN]),
    ("Only on chains whose masternodes live by pings (Dimecoin, PRCYCoin)", &[DIMECOIN, PRCYCOIN]),
    ("Only on chains with a payment pool (Dimecoin)", &[DIMECOIN]),
    ("This chain hides who is paid (PRCYCoin)", &[DASH, DIMECOIN]),
    ("This chain shows no sporks", &[DASH, DIMECOIN]),
    ("Banned, or a chain without a score", &[DASH]),
    ("Banned, not watched, or a chain without a score", &[DASH]),
    ("This chain does not say, or never", &[DASH]),
    ("No alert of the project's rules fires", &[DASH]),
    ("The project's alert rules are not loaded into this Prometheus", &[DASH, DIMECOIN, PRCYCOIN]),
    ("No history: history.path is not set", &[KEPT]),
    ("None is kept out, or a chain without a pool", &[DIMECOIN]),
    ("Only for watched masternodes: put them on the watch list", &[DASH, DIMECOIN, PRCYCOIN]),
    ("Not on the list", &[DASH, DIMECOIN, PRCYCOIN]),
    ("No masternode on the watch list has groups", &[DASH, DIMECOIN, PRCYCOIN]),
    // A banned masternode is not eligible, and one that fell silent expires.
    ("Not eligible for a payment", &[DASH, PRCYCOIN]),
    ("Not in a queue of fixed order", &[DASH]),
    ("Nobody is told: alerting names no receivers", &[KEPT]),
    ("Nobody is called (probe.enabled), or there is no address to call", &[KEPT]),
    ("No source tells of sessions: one that is a masternode or runs with watchquorums does", &[KEPT]),
    ("Nothing is known of what the network demands", &[DASH, KEPT]),
    ("Only for watched masternodes of chains whose quorums are known (Dash)", &[DASH]),
    ("It answers, or nobody calls it", &[]),
    ("Not watched, or this chain does not say who is paid", &[DASH, DIMECOIN, PRCYCOIN, KEPT]),
    ("Only where the node says the version of registrations (Dash)", &[DASH]),
    ("Nothing is known of it", &[DASH]),
    // The simulated networks of these boards have no activation ahead.
    ("No signals are counted", &[]),
    ("Not locked in, or active already", &[]),
    // These depend on the masternode, not on the chain.
    ("No ban that ends by itself", &[]),
    ("No votes for a chosen masternode, or a chain without votes", &[]),
    // Only the exporter with a file states one; its masternodes have no story.
    ("The watch list states no expectation for it", &[KEPT]),
];

/// What is wrong with the answers to a panel's queries.
pub(crate) fn problems(panel: &Value, answers: &[Value], choice: &Choice) -> Vec<String> {
    let title = panel["title"].as_str().unwrap();
    let mut problems = Vec::new();
    let filled = answers.iter().filter(|answer| !answer["result"].as_array().unwrap().is_empty()).count();
    let words = panel["fieldConfig"]["defaults"]["noValue"].as_str();
    let must = match words.map(|words| WORDS.iter().find(|(known, _)| *known == words)) {
        None => true,
        Some(None) => {
            problems.push(format!("{title}: the words {words:?} are not known"));
            true
        }
        Some(Some((_, networks))) => match choice.network.as_deref() {
            None => !networks.is_empty(),
            // A masternode that is on no list has no fields to compare.
            Some(KEPT) if choice.has_story("missing") => false,
            Some(network) => networks.contains(&network),
        },
    };
    if filled == 0 && must {
        problems.push(format!("{title}: no data: {}", answers[0]["expr"]));
    }
    // Where everything is chosen, each single query of such a panel has something to show.
    if choice.network.is_none() && must {
        let empty = answers.iter().filter(|answer| answer["result"].as_array().unwrap().is_empty());
        problems.extend(empty.map(|answer| format!("{title}: no data: {}", answer["expr"])));
    }
    for answer in answers {
        let unit = unit(panel, answer["refId"].as_str().unwrap(), answers.len());
        let range = range(unit);
        let wrong = values(answer).find(|value| !range.contains(value));
        problems.extend(wrong.map(|value| format!("{title}: {value} is no {unit}: {}", answer["expr"])));
    }
    problems
}

/// The unit of a query: that of its column, or that of the panel.
fn unit<'a>(panel: &'a Value, reference: &str, queries: usize) -> &'a str {
    let column = if queries == 1 { "Value".to_string() } else { format!("Value #{reference}") };
    let overrides = panel["fieldConfig"]["overrides"].as_array().unwrap();
    let of_column = overrides.iter().find(|one| one["matcher"]["options"] == column.as_str());
    let properties = of_column.and_then(|one| one["properties"].as_array()).into_iter().flatten();
    let own = properties.filter(|property| property["id"] == "unit").find_map(|property| property["value"].as_str());
    own.or(panel["fieldConfig"]["defaults"]["unit"].as_str()).unwrap()
}

fn range(unit: &str) -> std::ops::RangeInclusive<f64> {
    let milliseconds = |year: f64| (year - 1970.0) * 365.25 * 86_400_000.0;
    match unit {
        "percentunit" => 0.0..=1.000_001,
        "bool" | "bool_yes_no" => 0.0..=1.0,
        // The clocks of Prometheus and of the exporter's machine are read a moment apart.
        "s" => -1.0..=1e9,
        "bytes" => 1e4..=1e11,
        "reqps" => 0.0..=1e5,
        "suffix:points" => 0.0..=1e5,
        "suffix:blocks" => 0.0..=1e6,
        "dateTimeAsIso" | "dateTimeFromNow" => milliseconds(2020.0)..=milliseconds(2100.0),
        "none" => 0.0..=1e10,
        _ => f64::INFINITY..=f64::INFINITY,
    }
}

fn values(answer: &Value) -> impl Iterator<Item = f64> {
    let series = answer["result"].as_array().unwrap().iter();
    let pairs = series.flat_map(|one| one["values"].as_array().cloned().unwrap_or_else(|| vec![one["value"].clone()]));
    pairs.map(|pair| pair[1].as_str().unwrap().parse().unwrap())
}

/// Whether an annotation must have marked something: the simulator has no reorganisations and no changes by owners, and
/// only one masternode is penalised, banned and revived for sure.
pub(crate) fn must_have_marks(board: &Value, annotation: &Value, choice: &Choice) -> bool {
    let name = annotation["name"].as_str().unwrap();
    let of_one = board["uid"] == "masternode-one";
    match name {
        "Reorganisations" | "Changes by owner or operator" => false,
        "Payments" => false,
        _ if of_one => choice.has_story("in-danger"),
        _ => choice.network.is_none() || choice.network.as_deref() == Some(DASH),
    }
}
