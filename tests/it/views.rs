//! Users and links that are limited to the masternodes of one customer: no route shows them anything of another masternode.
//!
//! Never here: the content of a page; checking of passwords.

use std::collections::BTreeSet;

use simulator::Action;

use crate::support::contract::Contract;
use crate::support::harness::fail;
use crate::support::running::Running;

const TOKEN: &str = "0123456789abcdefghij-_";

const CONFIG: &str = "history: { path: history.db }
web:
  enable_maintenance: true
  enable_reload: true
  config_file: web.yml
  external_url: https://exporter.example.org/masternodes
  views:
    - { name: us, users: [root], everything: true }
    - { name: acme, users: [acme], token_file: token, groups: { customer: acme } }
";

/// An exporter with two customers: of each network, acme has two masternodes, beta has two, the others are not watched.
async fn serving(config: &str) -> Running {
    let mut running = Running::idle().await;
    let ids = running.network.masternodes();
    let customers = ["acme", "acme", "beta", "beta"];
    let entry = |(index, customer): (usize, &&str)| {
        format!(
            "- {{ masternode: \"{}\", alias: {customer}-mn-{index}, groups: {{ customer: {customer}, region: eu }} }}\n",
            ids[index]
        )
    };
    let entries: String = customers.iter().enumerate().map(entry).collect();
    let hash = bcrypt::hash("password", 4).unwrap();
    let users: String = ["root", "acme", "nobody"].iter().map(|user| format!("  {user}: \"{hash}\"\n")).collect();
    running.write("web.yml", &format!("basic_auth_users:\n{users}"));
    running.write("token", TOKEN);
    running.configure(&format!("watch:\n{entries}- {{ select: {{ payout_address: Xmistyped }} }}\n{config}"));
    running.start().await;
    // Events of all: penalties, bans, revivals, payments.
    for _ in 0..3 {
        let actions: Vec<Action> = ids[..6].iter().map(|id| fail(id, 1)).collect();
        running.network.mine_with(&actions).unwrap();
    }
    running.network.mine_with(&[Action::Revive { masternode: ids[2].clone() }]).unwrap();
    running.network.mine(20);
    let tip = running.network.tip().0;
    let status = || running.ask("GET", "/api/v1/status", Some("root"), "");
    running.until("the tip", status, |(_, text)| text.contains(&format!("\"height\":{tip}"))).await;
    running
}

/// What must not be seen: identity, alias, service address and payee of every masternode but those of acme; and what must.
async fn texts(running: &Running) -> (BTreeSet<String>, BTreeSet<String>) {
    let own = &running.network.masternodes()[..2];
    let (mut foreign, mut mine) = (BTreeSet::from(["beta".to_string(), "Xmistyped".to_string()]), BTreeSet::new());
    for id in running.network.masternodes() {
        let (status, text) = running.ask("GET", &format!("/api/v1/masternodes/{id}"), Some("root"), "").await;
        assert_eq!(status, 200, "{text}");
        let whole: serde_json::Value = serde_json::from_str(&text).unwrap();
        let texts = if own.contains(&id) { &mut mine } else { &mut foreign };
        texts.insert(id[..8].to_string());
        for name in ["address", "payout_address"] {
            texts.insert(whole[name].as_str().unwrap_or_else(|| panic!("{name} of {text}")).to_string());
        }
    }
    (foreign.difference(&mine).cloned().collect(), mine)
}

/// Every address, with and without what a reader can ask for.
fn targets(running: &Running) -> Vec<String> {
    let ids = running.network.masternodes();
    let mut targets: Vec<String> = Contract::read().paths().into_iter().collect();
    targets.extend(
        ["/", "/-/healthy", "/-/ready", "/-/reload", "/api/v1/maintenance", "/nothing", "/runbooks"]
            .map(str::to_string),
    );
    targets.extend(
        ["/metrics", "/metrics?group=customer=acme", "/metrics?group=customer:acme&collect[]=masternode_info"]
            .map(str::to_string),
    );
    targets.push("/metrics?group=customer=beta".into());
    targets.push("/runbooks/MasternodePoSeBanned".into());
    for query in
        ["show=all", "show=risk", "show=watched", "show=all&page=2", "state=pose_banned&show=all", "refresh=off"]
    {
        targets.push(format!("/?{query}"));
    }
    for query in ["order=id", "order=danger&limit=1", "format=csv", "watched=true", "risk=banned", "state=pose_banned"]
    {
        targets.push(format!("/api/v1/masternodes?{query}"));
    }
    for query in [
        "limit=1000",
        "format=csv",
        "kind=ban",
        "kind=payment",
        "order=oldest",
        "withdrawn=true",
        "watched=true",
        "from_height=1",
    ] {
        targets.push(format!("/api/v1/events?{query}"));
    }
    // One of another customer, one that nobody watches, and an own one.
    for id in [&ids[2], &ids[7], &ids[0]] {
        targets.push(format!("/masternodes/{id}"));
        targets.push(format!("/api/v1/events?masternode={id}"));
        targets.push(format!("/api/v1/earnings?masternode={id}&by=masternode"));
        targets.push(format!("/api/v1/earnings?masternode={id}&by=payee&format=csv"));
        for more in ["", "/duties", "/duties.ics"] {
            targets.push(format!("/api/v1/masternodes/{id}{more}"));
        }
    }
    let own = ids[0].clone();
    targets.into_iter().map(|target| target.replace("{id}", &own)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limited_reader_sees_nothing_of_another_masternode_by_any_route() {
    let mut running = serving(CONFIG).await;
    let (foreign, mine) = texts(&running).await;
    assert!(foreign.len() > 20 && mine.len() > 4, "{foreign:?} {mine:?}");
    let mut seen = String::new();
    for target in targets(&running) {
        for (user, prefix) in [(Some("acme"), String::new()), (None, format!("/view/{TOKEN}"))] {
            for method in ["GET", "POST", "DELETE"] {
                let (status, text) = running.ask(method, &format!("{prefix}{target}"), user, "").await;
                assert!([200, 400, 403, 404, 405, 409].contains(&status), "{method} {target}: {status} {text}");
                // The address that was asked for is no news to who asked.
                let asked = target.split('?').next().filter(|path| path.len() > 64);
                let text = asked.map_or(text.clone(), |asked| text.replace(asked, ""));
                for secret in &foreign {
                    assert!(!text.contains(secret.as_str()), "{method} {prefix}{target} shows {secret}: {text}");
                }
                seen += &text;
            }
        }
    }
    for text in mine.iter().map(String::as_str).chain(["acme-mn-0", "customer"]) {
        assert!(seen.contains(text), "{text} is shown");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_limited_is_refused_and_an_operator_sees_everything() {
    let mut running = serving(CONFIG).await;
    let ids = running.network.masternodes();
    let own = format!("/api/v1/masternodes/{}", ids[0]);
    let foreign = format!("/api/v1/masternodes/{}", ids[2]);
    for (method, target, root, acme, nobody) in [
        ("GET", "/", 200, 200, 403),
        ("GET", "/metrics", 200, 403, 403),
        ("GET", "/metrics?group=customer=acme", 200, 200, 403),
        ("GET", "/metrics?group=customer:acme", 200, 200, 403),
        ("GET", "/metrics?group=customer=beta", 200, 400, 403),
        ("GET", "/metrics?group=customer", 400, 400, 403),
        ("GET", "/metrics?group=customer=none", 400, 400, 403),
        ("GET", &own, 200, 200, 403),
        ("GET", &foreign, 200, 404, 403),
        ("GET", "/api/v1/maintenance", 200, 403, 403),
        ("POST", "/api/v1/maintenance", 400, 403, 403),
        ("DELETE", "/api/v1/maintenance?id=1", 404, 403, 403),
        ("POST", "/-/reload", 200, 403, 403),
        ("GET", "/-/healthy", 200, 200, 200),
        ("GET", "/nothing", 404, 404, 403),
    ] {
        for (user, expected) in [("root", root), ("acme", acme), ("nobody", nobody)] {
            let (status, text) = running.ask(method, target, Some(user), "").await;
            assert_eq!(status, expected, "{user}: {method} {target}: {text}");
        }
        let (status, _) = running.ask(method, target, None, "").await;
        assert_eq!(status, 401, "{target} without a password");
        let by_link = running.ask(method, &format!("/view/{TOKEN}{target}"), None, "").await;
        assert_eq!(by_link.0, acme, "{target} by the link: {}", by_link.1);
    }
    assert_eq!(running.ask("GET", &format!("/view/{TOKEN}x/"), None, "").await.0, 401);
    // The counts are those of the view, the page says what is true of it, and the links of a link stay within it.
    let (_, status) = running.ask("GET", "/api/v1/status", Some("acme"), "").await;
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["networks"][0]["watched"], 2, "{status}");
    let (_, page) = running.ask("GET", &format!("/view/{TOKEN}/"), None, "").await;
    let links = page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let own: Vec<&str> = links.filter(|link| link.starts_with('/')).collect();
    let prefix = format!("/masternodes/view/{TOKEN}/");
    assert!(own.len() > 5 && own.iter().all(|link| link.starts_with(&prefix)), "{own:?}");
    let (_, metrics) = running.ask("GET", "/metrics?group=customer=beta", Some("root"), "").await;
    assert!(metrics.contains("beta-mn-2") && !metrics.contains("acme"), "{metrics}");
    // A group that customers share would count the masternodes of the others.
    let (_, metrics) = running.ask("GET", "/metrics?group=region=eu", Some("acme"), "").await;
    assert!(metrics.contains("acme-mn-0") && !metrics.contains("group_key=\"region\""), "{metrics}");
    let (_, metrics) = running.ask("GET", "/metrics?group=region=eu", Some("root"), "").await;
    assert!(metrics.contains("group_key=\"region\""), "{metrics}");
    for line in
        ["masternode_exporter_list_timestamp_seconds{", "masternode_exporter_source_synced{", "masternode_info{"]
    {
        assert!(metrics.lines().any(|other| other.starts_with(line)), "{line} in {metrics}");
    }
    // A reload takes a view away at once.
    let text = std::fs::read_to_string(running.path("exporter.yml")).unwrap();
    running.write("exporter.yml", &text.replace("users: [acme], ", ""));
    running.reload().await;
    let landing = || running.ask("GET", "/", Some("acme"), "");
    running.until("no view", landing, |(status, _)| *status == 403).await;
    running.stop().await;
}

#[tokio::test]
async fn mistakes_of_views_are_named() {
    let running = Running::idle().await;
    running.write("token", "short");
    running.configure(
        "web:\n  views:\n    - { name: a, users: [ann], groups: { customer: acme }, everything: true }\n    - { name: b, users: [ann, ann] }\n    - { name: c, groups: { customer: acme } }\n    - { name: d, token_file: token, groups: { customer: acme } }\n    - { users: [x], everything: true }\n",
    );
    let errors = masternode_exporter::config::load(&running.sources()).unwrap_err().to_string();
    for error in [
        "web.views[0].groups: give either groups, or everything: true",
        "web.views[1].groups: give either groups, or everything: true",
        "web.views[1].users[0]: user \"ann\" has a view already",
        "web.views[2]: nobody has it: give users, or token_file",
        "holds no token: use at least 20 letters",
        "web.views[4].name: is missing",
    ] {
        assert!(errors.contains(error), "{error} in {errors}");
    }
    running.configure("web: { views: [{ name: a, users: [ann], groups: { customer: acme } }] }\n");
    let warnings = masternode_exporter::config::load(&running.sources()).unwrap().warnings.join("\n");
    assert!(warnings.contains("web.views: \"ann\" is no user of the web configuration file"), "{warnings}");
}
