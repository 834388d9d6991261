//! What a reader can ask a page for: an order of the table, events by filters, a table as CSV; and since when it says that
//! something is so.
//!
//! Never here: the other content of pages (`pages`).

use std::sync::Arc;
use std::time::Duration;

use domain::maintenance::{Maintenance, MaintenanceTarget};
use domain::network_state::Moment;
use domain::samples::network_state;
use domain::{NetworkState, UnixSeconds};
use masternode_exporter::web::api::{Alert, AlertsOf, Api, Firing};
use masternode_exporter::web::handlers::Handlers;
use serde_json::Value;
use simulator::Options;

use crate::pages::{aliases, api, eventful, get, good, handlers, id_of, of, rows, site, text};
use crate::support::harness::{NOW, Stage, fail, watch_all};

/// The values of a field, in the order of the table.
fn in_order(site: &Handlers, sort: &str, field: &str) -> Vec<Option<u64>> {
    let listed = api(site, "/api/v1/masternodes", "watched=true&limit=1000");
    let of = |alias: &String| {
        let found = listed["masternodes"].as_array().unwrap().iter().find(|node| node["alias"] == **alias);
        found.unwrap()[field].as_u64()
    };
    aliases(&good(site, &format!("/?sort={sort}"))).iter().map(of).collect()
}

#[tokio::test]
async fn rows_are_sorted_by_links_in_the_heads_of_columns() {
    let stage = eventful().await;
    let site = of(&stage);
    let mut names = aliases(&good(&site, "/?sort=name"));
    assert_eq!(names.len(), 12);
    assert!(names.is_sorted(), "{names:?}");
    names.reverse();
    assert_eq!(aliases(&good(&site, "/?sort=-name")), names);
    for (column, field) in [
        ("score", "pose_score"),
        ("safe", "pose_blocks_until_safe"),
        ("queue", "payment_queue_position"),
        ("payment", "payment_projected_height"),
    ] {
        let ascending = in_order(&site, column, field);
        let known: Vec<u64> = ascending.iter().copied().flatten().collect();
        assert!(known.len() > 8 && known.is_sorted(), "{column}: {ascending:?}");
        assert_eq!(ascending[known.len()..].iter().flatten().count(), 0, "what is not known comes last");
        let descending = in_order(&site, &format!("-{column}"), field);
        let turned: Vec<u64> = descending.iter().copied().flatten().collect();
        assert!(turned.iter().rev().is_sorted() && turned.len() == known.len(), "{column}: {descending:?}");
        assert_eq!(descending[known.len()..].iter().flatten().count(), 0, "also the other way round");
    }
    // The head of each column links to its order, and to the other direction where it is sorted already.
    let heads = |page: &str| -> Vec<(String, String)> {
        let head = page.split("<thead").nth(1).unwrap().split("</thead>").next().unwrap();
        let links = head.split("href=\"").skip(1);
        links.map(|rest| (rest.split('"').next().unwrap().replace("&amp;", "&"), text(&format!("<{rest}")))).collect()
    };
    let page = good(&site, "/?group=half%3Deven&sort=-score&page=1");
    for (link, _) in heads(&page) {
        assert!(link.contains("group=half%3Deven"), "a filter stays: {link}");
        assert_eq!(aliases(&good(&site, &link)).len(), 6, "{link}");
    }
    let links: Vec<String> = heads(&page).into_iter().map(|(link, _)| link).collect();
    assert!(links.iter().any(|link| link.contains("sort=score")), "{links:?}");
    assert!(page.contains("aria-sort=\"descending\""), "{page}");
    assert!(text(&page).contains("Score ↓"), "{}", text(&page));
    assert!(page.contains("<option value=\"-score\" selected"), "the form keeps the order");
    assert_eq!(aliases(&good(&site, "/?sort=nonsense")), aliases(&good(&site, "/")));
}

#[tokio::test]
async fn the_table_can_be_had_as_csv_with_the_same_filters() {
    let stage = eventful().await;
    let site = of(&stage);
    for query in ["", "show=all", "show=watched&group=half:even", "show=watched&state=enabled"] {
        let page = good(&site, &format!("/?{query}"));
        let link = page.split("href=\"/api/v1/masternodes?format=csv").nth(1).unwrap().split('"').next().unwrap();
        let link = format!("format=csv{}", link.replace("&amp;", "&"));
        let reply = site.api.as_ref().unwrap().answer("/api/v1/masternodes", &link);
        let mut reader = csv::Reader::from_reader(&reply.body[..]);
        let column = reader.headers().unwrap().iter().position(|name| name == "alias").unwrap();
        let found: Vec<String> = reader.records().map(|record| record.unwrap()[column].to_string()).collect();
        assert_eq!(found, aliases(&page), "{query}");
    }
    assert!(!good(&site, "/?q=mn").contains("format=csv"), "the API has no such search");
}

/// The list of events of a page; empty if it has none.
fn list(html: &str) -> &str {
    html.split("<ol class=\"events\">").nth(1).map_or("", |rest| rest.split("</ol>").next().unwrap())
}

/// The events of a page as the API has them for the same query.
fn same_events(site: &Handlers, query: &str) -> usize {
    let page = get(site, &format!("/events?{query}"));
    assert_eq!(page.status, 200, "{query}: {}", text(&page.html));
    let given: String = query.split('&').filter(|pair| !pair.ends_with('=')).collect::<Vec<_>>().join("&");
    let events = api(site, "/api/v1/events", &format!("{given}&limit=100"));
    let events = events["events"].as_array().unwrap();
    let times = list(&page.html);
    let listed = times.matches("<li>").count();
    assert_eq!(listed, events.len(), "{query}");
    for event in events {
        assert!(times.contains(&format!("block {}", event["height"])), "{query}: {event}");
        assert!(times.contains(event["alias"].as_str().unwrap()), "{query}: {event}");
    }
    listed
}

#[tokio::test]
async fn events_are_filtered_by_alias_group_kind_and_time_with_and_without_a_history() {
    let stage = eventful().await;
    let (from_memory, from_history) = (of(&stage), site(vec![("dash-test", stage.snapshot())], Some(&stage)));
    let id = id_of(&from_memory, "mn-4");
    let day = domain::rfc3339::text(stage.snapshot().unwrap().block().time)[..10].to_string();
    for site in [&from_memory, &from_history] {
        let all = same_events(site, "masternode=&group=&kind=&watched=&from_time=&to_time=");
        assert!(all > 5, "{all}");
        assert_eq!(same_events(site, "kind=penalty"), 3);
        assert_eq!(same_events(site, "kind=ban&masternode=mn-4"), 1);
        assert_eq!(same_events(site, &format!("kind=ban&masternode={id}")), 1);
        assert_eq!(same_events(site, "kind=penalty&group=half:even"), 2);
        assert_eq!(same_events(site, "kind=penalty&group=half%3Dodd&masternode="), 1);
        assert_eq!(same_events(site, "kind=ban&alias=mn-1"), 0);
        assert_eq!(same_events(site, &format!("from_time={day}&to_time=")), all);
        assert_eq!(same_events(site, "to_time=2020-01-01"), 0);
        // Page by page, each once.
        let (mut address, mut found) = ("/events?limit=2".to_string(), 0);
        loop {
            let page = good(site, &address);
            found += list(&page).matches("<li>").count();
            let Some(next) = page.split("rel=\"next\" href=\"").nth(1) else { break };
            address = next.split('"').next().unwrap().replace("&amp;", "&");
        }
        assert_eq!(found, all);
        for (query, status, error) in [
            ("masternode=mn-44", 404, "did you mean mn-4?"),
            ("group=half:evem", 404, "did you mean half=even?"),
            ("kind=x", 400, "kind must be one of"),
            ("from_time=2026-02-30", 400, "from_time must be"),
            ("from_time=2026-02-02&to_time=2026-02-01", 409, "from_time is later than to_time"),
            ("x=1", 400, "unknown parameter"),
        ] {
            let page = get(site, &format!("/events?{query}"));
            let shown = text(&page.html);
            assert!(page.status == status && shown.contains(error), "{query}: {} {shown}", page.status);
            assert!(page.html.contains("<form"), "the form stays: {shown}");
        }
    }
    let page = good(&from_memory, "/events?masternode=mn-4&kind=ban&group=half:even");
    for kept in ["value=\"mn-4\"", "value=\"ban\" selected", "value=\"half=even\" selected"] {
        assert!(page.contains(kept), "{kept} in {page}");
    }
    let own = good(&from_memory, &format!("/masternodes/{id}"));
    let link = own.split("href=\"/events?").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    assert!(same_events(&from_memory, &link) > 2);
    assert!(good(&from_memory, "/").contains("href=\"/events\""));
}

#[tokio::test]
async fn a_masternode_in_maintenance_is_muted_until_its_end_on_page_and_in_the_api() {
    let mut stage = Stage::following().await;
    let until = UnixSeconds(NOW + 7_200);
    let of_alias = |alias: &str, until: UnixSeconds| Maintenance {
        target: MaintenanceTarget::Alias(alias.into()),
        until,
        reason: "new disk".into(),
        id: None,
    };
    let maintenance = vec![of_alias("mn-3", until), of_alias("mn-5", UnixSeconds(NOW - 60))];
    stage.watch(watch_all(&stage.network).with_maintenance(maintenance));
    stage.mine(&[]).await;
    let site = of(&stage);
    let page = good(&site, "/");
    let muted: Vec<String> = rows(&page).into_iter().filter(|row| row.contains("muted until")).collect();
    let [row] = &muted[..] else { panic!("{muted:?}") };
    assert!(row.starts_with("mn-3 ") && row.contains("muted until 2027-01-15 10:00 UTC"), "{row}");
    let own = text(&good(&site, "/masternodes/mn-3"));
    assert!(own.contains("muted until 2027-01-15 10:00 UTC"), "{own}");
    let listed = |alias: &str| api(&site, "/api/v1/masternodes", &format!("alias={alias}"))["masternodes"][0].clone();
    assert_eq!(listed("mn-3")["maintenance_until_time"], "2027-01-15T10:00:00Z");
    assert_eq!(listed("mn-4")["maintenance_until_time"], Value::Null);
    let own = api(&site, &format!("/api/v1/masternodes/{}", id_of(&site, "mn-3")), "");
    assert_eq!(own["maintenance_until_time"], "2027-01-15T10:00:00Z");
}

/// A site on which these alerts of a masternode fire since a time, and which follows the network since another.
fn alerting(stage: &Stage, id: &str, names: &'static [&'static str], since: u64, started: u64) -> Handlers {
    let started = Moment { unix: UnixSeconds(started), uptime: Duration::ZERO };
    let state = network_state("dash-test", stage.snapshot(), vec![]);
    let state = Arc::new(NetworkState { since: started, ..state });
    let labels = [("network", "dash-test"), ("masternode", id)];
    let labels = labels.map(|(name, value)| (name.to_string(), value.to_string()));
    let alert = move |name: &&str| Alert {
        name: name.to_string(),
        severity: "critical",
        labels: labels.clone().into(),
        summary: "A summary.".into(),
        description: "A description.".into(),
        runbook_url: format!("docs/runbooks/{name}.md"),
        since: UnixSeconds(since),
    };
    handlers(Api {
        version: "1.2.3".into(),
        networks: Box::new(move || vec![state.clone()]),
        alerts: Box::new(move |_: AlertsOf<'_>, most| {
            let alerts: Vec<Alert> = names.iter().map(&alert).take(most).collect();
            Firing { critical: names.len(), warning: 0, alerts }
        }),
        history: None,
        clock: || UnixSeconds(NOW + 34 * 86_400),
        is_restricted: false,
    })
}

#[tokio::test]
async fn an_alert_says_since_when_by_the_chain_and_never_by_the_start_of_the_exporter() {
    // The blocks of the ban and of the failure are 34 days old, the exporter started two minutes ago.
    let mut stage = Stage::recording(Options::default(), masternode_exporter::rpc::dialect::DASH, |_| {}).await;
    let (banned, failing) = (stage.masternode(4), stage.masternode(1));
    stage.mine(&[fail(&banned, 2), fail(&failing, 1)]).await;
    let block_time = stage.snapshot().unwrap().block().time;
    let now = NOW + 34 * 86_400;
    let age = format!("{} d", (now - block_time.0) / 86_400);
    for (id, names, said) in [
        (&banned, &["MasternodePoSeBanned"][..], format!("banned {age}")),
        (&failing, &["MasternodePoSeOneFailureFromBan"][..], format!("failed {age}")),
        (&failing, &["MasternodeUnreachable"][..], "for at least 2 min".to_string()),
    ] {
        let site = alerting(&stage, id, names, now - 120, now - 180);
        for address in ["/".to_string(), format!("/masternodes/{id}")] {
            let page = get(&site, &address).html;
            let alerts = text(page.split("id=\"alerts\"").nth(1).unwrap().split("</section>").next().unwrap());
            assert!(alerts.contains(&said), "{said} at {address}: {alerts}");
            assert!(!alerts.contains("for 2 min"), "{alerts}");
            assert!(page.contains(&format!("href=\"/runbooks/{}\"", names[0])), "its runbook is one click away");
        }
        let status = api(&site, "/api/v1/status", "");
        let alert = &status["alerts"]["firing"][0];
        let expected = said.contains(&age).then(|| domain::rfc3339::text(block_time));
        assert_eq!(alert["condition_start_time"].as_str(), expected.as_deref(), "{alert}");
    }
    // What began while the exporter ran has its age.
    let site = alerting(&stage, &failing, &["MasternodeUnreachable"], now - 120, now - 86_400);
    let page = text(&good(&site, "/"));
    assert!(page.contains("for 2 min") && !page.contains("at least"), "{page}");
}
