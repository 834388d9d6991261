//! The expected content of a panel by chain, and its range.

use serde_json::Value;

use super::filling::Choice;

const DASH: &str = "dash-demo";
const DIMECOIN: &str = "dimecoin-demo";
const PRCYCOIN: &str = "prcycoin-demo";
/// The network of the exporter that keeps a history.
const KEPT: &str = "dash-kept";

/// The text of an empty panel, and the networks on which it must not be empty.
const WORDS: &[(&str, &[&str])] = &[
    ("Only on chains with a Proof-of-Service score (Dash)", &[DASH]),
    ("Only for watched masternodes of chains with a Proof-of-Service score (Dash)", &[DASH]),
    ("No history, or not checked yet", &[]),
    ("No receivers are configured, or none says its time", &[]),
    ("Neither a watch list nor maintenance is configured", &[]),
    ("No web configuration file (web.config_file)", &[]),
    ("Only on chains whose quorums are known (Dash)", &[DASH]),
    ("Only on networks with Evo nodes (Dash)", &[DASH]),
    ("Only on chains with ChainLocks (Dash)", &[DASH]),
    ("Only where the source proves its list (Dash)", &[DASH]),
    ("Only on chains that pay in a fixed order (Dash)", &[DASH]),
    ("Only on chains with random payee selection (Dimecoin, PRCYCoin)", &[DIMECOIN, PRCYCOIN]),
    ("Only on chains with pings (Dimecoin, PRCYCoin)", &[DIMECOIN, PRCYCOIN]),
    ("Only on chains with a payment pool (Dimecoin)", &[DIMECOIN]),
    ("This chain hides payees (PRCYCoin)", &[DASH, DIMECOIN]),
    // Whether a watched masternode was paid depends on the time.
    ("No watched masternode was paid a known amount, or this chain hides amounts (PRCYCoin)", &[]),
    ("This chain shows no sporks", &[DASH, DIMECOIN]),
    ("Banned, or a chain without a score", &[DASH]),
    ("Banned, not watched, or a chain without a score", &[DASH]),
    ("Never, or not reported by this chain", &[DASH]),
    ("No alert of the project's rules fires", &[DASH]),
    ("The project's alert rules are not loaded into this Prometheus", &[DASH, DIMECOIN, PRCYCOIN]),
    ("No history: history.path is not set", &[KEPT]),
    ("None is excluded, or a chain without a pool", &[DIMECOIN]),
    ("Only for masternodes on the watch list", &[DASH, DIMECOIN, PRCYCOIN]),
    ("Not on the list", &[DASH, DIMECOIN, PRCYCOIN]),
    ("No masternode on the watch list has groups", &[DASH, DIMECOIN, PRCYCOIN]),
    // A banned masternode is not eligible, and a silent one expires.
    ("Not eligible for a payment", &[DASH, PRCYCOIN]),
    ("Not in a queue of fixed order", &[DASH]),
    ("No receivers are configured (alerting)", &[KEPT]),
    ("Probes are off (probe.enabled), or there is no address to probe", &[KEPT]),
    ("No source reports DKG sessions: only a masternode or a node with watchquorums does", &[KEPT]),
    ("No requirement can be evaluated", &[DASH, KEPT]),
    ("Only for watched masternodes of chains whose quorums are known (Dash)", &[DASH]),
    ("The members of rotating quorums are not known", &[DASH]),
    // Where sessions whose members are not known may come before.
    ("Known seats decide no ban", &[]),
    ("No seat is known", &[]),
    ("It answers, or is not probed", &[]),
    ("Not watched, or this chain does not report payees", &[DASH, DIMECOIN, PRCYCOIN, KEPT]),
    ("Only if the node reports registration versions (Dash)", &[DASH]),
    ("Not known", &[DASH]),
    // The simulated networks of these dashboards have no coming activation.
    ("No signals are counted", &[]),
    ("Not locked in, or already active", &[]),
    // These depend on the masternode, not on the chain.
    ("No temporary ban", &[]),
    ("No selected masternode has votes or is elected, or a chain without elections", &[]),
    // Only the exporter with a file has one; its masternodes have no scenario.
    ("The watch list has no expectation for it", &[KEPT]),
];

/// Errors in the answers to a panel's queries.
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
    // With all variables set to "All", each query of such a panel has data.
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
        // The clocks of Prometheus and of the exporter are read at slightly different times.
        "s" => -1.0..=1e9,
        "bytes" => 1e4..=1e11,
        "reqps" => 0.0..=1e5,
        "suffix:points" => 0.0..=1e5,
        "suffix:blocks" => 0.0..=1e6,
        // The slack of a network with fewer masternodes than seats is negative.
        "suffix:masternodes" => -1e6..=1e6,
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

/// Whether an annotation must exist: the simulator has no reorganisations and no changes by owners, and only one
/// masternode is certainly penalised, banned and revived.
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
