//! Rules for every dashboard: those of Grafana's own linter and ours, checked on the generated dashboards.
//!
//! Never here: whether a query has an answer; the end-to-end tests query a Prometheus.

use std::collections::BTreeSet;
use std::path::Path;

use boards::{all, text};
use serde_json::{Value, json};

/// The uids that links, bookmarks and alerts use. A change breaks them.
const UIDS: &[(&str, &str)] = &[
    ("fleet.json", "masternode-fleet"),
    ("masternode.json", "masternode-one"),
    ("network.json", "masternode-network"),
    ("payments.json", "masternode-payments"),
    ("duties.json", "masternode-duties"),
    ("groups.json", "masternode-groups"),
    ("exporter.json", "masternode-self"),
];

/// The Grafana units in use; other units are suffixes.
const UNITS: &[&str] = &[
    "none",
    "s",
    "percentunit",
    "bytes",
    "reqps",
    "bool",
    "bool_yes_no",
    "dateTimeAsIso",
    "dateTimeFromNow",
    "suffix:blocks",
    "suffix:points",
    "suffix:masternodes",
];

/// Families that belong to an exporter and not to a network.
const OF_NO_NETWORK: &[&str] = &[
    "masternode_exporter_build_info",
    "masternode_exporter_config_last_reload_successful",
    "masternode_exporter_http_requests_total",
    "masternode_exporter_history_up",
    "masternode_exporter_history_last_write_timestamp_seconds",
    "masternode_exporter_history_write_errors_total",
    "masternode_exporter_history_size_bytes",
    "masternode_exporter_notifications_total",
    "masternode_exporter_notification_queue_length",
    "masternode_exporter_notification_last_success_timestamp_seconds",
    "masternode_exporter_notification_clock_ahead_seconds",
    "masternode_exporter_history_damaged_rows",
    "masternode_exporter_history_replaced_total",
    "masternode_exporter_web_config_last_reload_successful",
    "masternode_exporter_http_connections_displaced_total",
    "masternode_exporter_http_connections_rejected_total",
];

/// Windows of `increase` other than the step, as stated in the texts of panels.
const WINDOWS: &[&str] = &["$__rate_interval", "$__range", "1h", "1d"];

fn list<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(path).and_then(Value::as_array).into_iter().flatten()
}

fn word<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn panels(board: &Value) -> impl Iterator<Item = &Value> {
    list(board, "/panels").filter(|panel| panel["type"] != "row")
}

/// Every query of a dashboard with its location.
fn queries(board: &Value) -> Vec<(String, String)> {
    let of_panels = panels(board).flat_map(|panel| {
        list(panel, "/targets")
            .map(move |target| (word(panel, "/title").to_string(), word(target, "/expr").to_string()))
    });
    let of_marks = list(board, "/annotations/list")
        .filter(|one| one["builtIn"] != 1)
        .map(|one| (word(one, "/name").to_string(), word(one, "/expr").to_string()));
    of_panels.chain(of_marks).collect()
}

/// Fails with all findings at once.
fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn the_files_are_what_the_source_makes() {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the generator stands in the folder of the boards");
    for (name, board) in all() {
        let file = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(file == text(&board), "dashboards/{name} is old: cargo run -p masternode-exporter-dashboards");
    }
    let entries = std::fs::read_dir(folder).expect("the folder of the boards is there");
    let files = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let files: BTreeSet<String> = files.filter(|name| name.ends_with(".json")).collect();
    let made: BTreeSet<String> = all().into_iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(files, made, "a board that nothing makes");
}

#[test]
fn every_board_keeps_its_uid_and_can_be_imported_anywhere() {
    let boards = all();
    let uids: Vec<(&str, &str)> = boards.iter().map(|(name, board)| (*name, word(board, "/uid"))).collect();
    assert_eq!(uids, UIDS);
    for (name, board) in &boards {
        assert_eq!(board["id"], Value::Null, "{name}: an id belongs to one Grafana");
        assert_eq!(board["editable"], false, "{name}: a change by hand would be lost with the next version");
        assert!(board["schemaVersion"].as_u64() >= Some(39), "{name}");
        assert_eq!(board["graphTooltip"], 1, "{name}: one cursor on all panels");
        assert!(
            board.get("__inputs").is_none() && board.get("__requires").is_none(),
            "{name}: provisioning has no inputs"
        );
        assert_eq!(
            list(board, "/links").next().map(|link| &link["tags"]),
            Some(&board["tags"]),
            "{name}: links by tag"
        );
        assert!(
            word(board, "/title").starts_with("Masternodes / ") && word(board, "/description").ends_with('.'),
            "{name}"
        );
    }
}

#[test]
fn the_data_source_is_chosen_and_never_fixed() {
    let chosen = json!({"type": "prometheus", "uid": "${datasource}"});
    for (name, board) in all() {
        let sources: Vec<&Value> =
            list(&board, "/templating/list").filter(|variable| variable["type"] == "datasource").collect();
        assert_eq!(sources.len(), 1, "{name}");
        assert_eq!((word(sources[0], "/name"), word(sources[0], "/label")), ("datasource", "Data source"));
        let variables = list(&board, "/templating/list").filter(|variable| variable["type"] != "datasource");
        let marks = list(&board, "/annotations/list").filter(|one| one["builtIn"] != 1);
        let targets = panels(&board).flat_map(|panel| list(panel, "/targets"));
        for user in panels(&board).chain(targets).chain(variables).chain(marks) {
            assert_eq!(user["datasource"], chosen, "{name}: {user}");
        }
    }
}

#[test]
fn every_panel_has_words_a_unit_levels_and_a_query() {
    let mut found = Vec::new();
    for (name, board) in all() {
        let mut titles = BTreeSet::new();
        for panel in panels(&board) {
            let title = word(panel, "/title");
            let mut must = |holds: bool, what: &str| {
                if !holds {
                    found.push(format!("{name}, {title}: {what}"));
                }
            };
            must(!title.is_empty() && titles.insert(title), "the title is missing, or another panel's");
            must(word(panel, "/description").ends_with('.'), "the description is no sentence");
            must(UNITS.contains(&word(panel, "/fieldConfig/defaults/unit")), "the unit is not known");
            let steps: Vec<&Value> = list(panel, "/fieldConfig/defaults/thresholds/steps").collect();
            let levels: Vec<f64> = steps.iter().skip(1).filter_map(|step| step["value"].as_f64()).collect();
            must(steps.first().is_some_and(|step| step["value"].is_null()), "no colour below the first level");
            must(levels.len() + 1 == steps.len() && levels.is_sorted(), "levels that do not rise");
            must(list(panel, "/targets").next().is_some(), "no query");
            for column in list(panel, "/fieldConfig/overrides").flat_map(|one| list(one, "/properties")) {
                must(
                    column["id"] != "unit" || UNITS.contains(&word(column, "/value")),
                    "the unit of a column is not known",
                );
            }
        }
    }
    assert_none(&found);
}

#[test]
fn panels_stand_side_by_side_and_never_upon_each_other() {
    for (name, board) in all() {
        let (mut taken, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for panel in list(&board, "/panels") {
            let at = |key: &str| panel["gridPos"][key].as_u64().expect("the grid has whole numbers");
            assert!(ids.insert(panel["id"].as_u64()), "{name}: two panels have the id {}", panel["id"]);
            assert!(
                at("x") + at("w") <= 24 && at("w") > 0 && at("h") > 0,
                "{name}: {} is beside the grid",
                panel["title"]
            );
            for (column, line) in
                (at("x")..at("x") + at("w")).flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y)))
            {
                assert!(taken.insert((column, line)), "{name}: {} stands on another panel", panel["title"]);
            }
        }
    }
}

/// The text between a bracket and its partner, at the start of a text.
fn bracket(text: &str, close: char) -> Option<&str> {
    Some(text.split_once(close)?.0)
}

/// Our metrics in a query: name, matchers, window, and the directly enclosing function if there is one.
fn selectors(query: &str) -> Vec<(String, String, String, String)> {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let mut found = Vec::new();
    for (start, _) in query.match_indices("masternode_") {
        let before = &query[..start];
        if before.ends_with(is_word) || before.ends_with(['"', '|']) {
            continue;
        }
        let end = query[start..].find(|character| !is_word(character)).map_or(query.len(), |length| start + length);
        let rest = &query[end..];
        let matchers = rest.strip_prefix('{').and_then(|rest| bracket(rest, '}')).unwrap_or_default();
        let rest = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or(rest, |(_, rest)| rest);
        let window = rest.strip_prefix('[').and_then(|rest| bracket(rest, ']')).unwrap_or_default();
        let function = before.strip_suffix('(').unwrap_or_default();
        let function = &function[function.rfind(|character| !is_word(character)).map_or(0, |at| at + 1)..];
        found.push([&query[start..end], matchers, window, function].map(str::to_string).into());
    }
    found
}

#[test]
fn selectors_are_read_from_a_query() {
    let query = "sum(rate(masternode_payments_total{x=\"1\"}[$__rate_interval])) / max by (y) (masternode_enabled) + {__name__=~\"masternode_info\"}";
    let expected =
        [("masternode_payments_total", "x=\"1\"", "$__rate_interval", "rate"), ("masternode_enabled", "", "", "")];
    let expected = expected
        .map(|(name, matchers, window, function)| [name, matchers, window, function].map(str::to_string).into());
    assert_eq!(selectors(query), expected);
}

#[test]
fn counters_are_asked_for_their_rise_over_a_fitting_window() {
    let mut found = Vec::new();
    for (name, board) in all() {
        for (place, query) in queries(&board) {
            for (metric, _, window, function) in selectors(&query) {
                let counts = ["_total", "_bucket", "_sum", "_count"].iter().any(|ending| metric.ends_with(ending));
                let rises = matches!(function.as_str(), "rate" | "increase");
                let fits = match function.as_str() {
                    "rate" | "irate" => window == "$__rate_interval",
                    "increase" => WINDOWS.contains(&window.as_str()),
                    _ => true,
                };
                if counts != rises || !fits {
                    found.push(format!("{name}, {place}: {function}({metric}[{window}])"));
                }
            }
        }
    }
    assert_none(&found);
}

#[test]
fn every_query_follows_the_chosen_network() {
    let mut found = Vec::new();
    for (name, board) in all() {
        for (place, query) in queries(&board) {
            for (metric, matchers, ..) in selectors(&query) {
                if !matchers.contains("network=~\"$network\"") && !OF_NO_NETWORK.contains(&metric.as_str()) {
                    found.push(format!("{name}, {place}: {metric}{{{matchers}}}"));
                }
            }
        }
    }
    assert_none(&found);
}

#[test]
fn every_query_follows_the_chosen_targets() {
    let scope = "cluster=~\"$cluster\",namespace=~\"$namespace\",job=~\"$job\"";
    let mut found = Vec::new();
    for (name, board) in all() {
        for (place, query) in queries(&board) {
            for (metric, matchers, ..) in selectors(&query) {
                // The join with it only drops other targets of the exporter's job.
                if matchers.matches(scope).count() != 1 && metric != "masternode_exporter_build_info" {
                    found.push(format!("{name}, {place}: {metric}{{{matchers}}}"));
                }
            }
        }
    }
    assert_none(&found);
}

/// At 5,000 masternodes, a day of one family of all of them is 7 million samples for each line of a graph.
#[test]
fn graphs_of_the_fleet_read_the_watch_list_or_whole_networks() {
    let (_, fleet) = all().into_iter().find(|(name, _)| *name == "fleet.json").expect("the board is there");
    let graphs = panels(&fleet).filter(|panel| panel["type"] == "timeseries");
    let families = ["masternode_pose_", "masternode_enabled", "masternode_registered"];
    let mut read = 0;
    for (panel, query) in
        graphs.flat_map(|panel| list(panel, "/targets").map(move |target| (panel, word(target, "/expr"))))
    {
        for (metric, matchers, ..) in selectors(query) {
            if families.iter().any(|family| metric.starts_with(family)) {
                read += 1;
                assert!(matchers.contains("alias!=\"\""), "{}: {metric}{{{matchers}}}", panel["title"]);
            }
        }
    }
    assert!(read > 0);
}

/// Names after a dollar sign, with or without braces.
fn variables_in(text: &str) -> BTreeSet<String> {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let names = text.split('$').skip(1).map(|rest| rest.strip_prefix('{').unwrap_or(rest));
    let names = names.map(|rest| rest.chars().take_while(|character| is_word(*character)).collect::<String>());
    names.filter(|name| !name.is_empty() && !name.starts_with("__")).collect()
}

#[test]
fn every_variable_is_there_is_used_and_comes_after_what_it_depends_on() {
    for (name, board) in all() {
        let mut known = BTreeSet::new();
        for variable in list(&board, "/templating/list") {
            let needs = variables_in(word(variable, "/query/query"));
            assert!(needs.is_subset(&known), "{name}: {} comes before {needs:?}", variable["name"]);
            assert!(
                variable["type"] == "datasource" || variable["refresh"] == 2,
                "{name}: new masternodes must be seen"
            );
            known.insert(word(variable, "/name").to_string());
        }
        let order: Vec<&str> = list(&board, "/templating/list").map(|variable| word(variable, "/name")).collect();
        let chain = ["cluster", "namespace", "job", "network", "group_key", "group", "alias", "masternode"];
        let mine: Vec<&&str> = order.iter().filter(|name| chain.contains(name)).collect();
        assert_eq!(mine, chain.iter().filter(|name| order.contains(name)).collect::<Vec<_>>(), "{name}");
        let used = variables_in(&board.to_string());
        assert_eq!(used, known, "{name}: what is used and what there is differ");
    }
}

#[test]
fn every_link_leads_to_a_board_that_has_the_variables_it_fills() {
    let boards = all();
    let mut links = 0;
    for (name, board) in &boards {
        let text = board.to_string();
        for target in text.split("\"url\":\"/d/").skip(1).filter_map(|rest| rest.split('"').next()) {
            links += 1;
            let uid = target.split('/').next().unwrap_or_default();
            let other = boards.iter().find(|(_, other)| word(other, "/uid") == uid);
            let (_, other) = other.unwrap_or_else(|| panic!("{name} links to {uid}, which is no board"));
            for filled in target.split("var-").skip(1).filter_map(|rest| rest.split('=').next()) {
                let has = list(other, "/templating/list").any(|variable| variable["name"] == filled);
                assert!(has, "{name}: the board {uid} has no variable {filled}");
            }
        }
    }
    assert!(links >= 3, "the tables link to the masternode");
}
