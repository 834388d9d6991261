//! Views of Dimecoin and PRCYCoin networks: a user limited to a group sees no elected payee and nothing else of other masternodes.
//!
//! Never here: passwords; views of Dash (`views`).

use std::collections::BTreeSet;

use masternode_exporter::app;
use simulator::{RunningServer, Server, legacy};

use crate::support::contract::Contract;
use crate::support::running::Running;

const TOKEN: &str = "0123456789abcdefghij-_";

/// Identities, addresses and aliases in an answer of the API.
fn texts(masternode: &serde_json::Value) -> BTreeSet<String> {
    let id = masternode["masternode"].as_str().unwrap();
    let short = id[..8].to_string();
    let fields = ["address", "payout_address"].into_iter().filter_map(|name| masternode[name].as_str());
    fields.map(str::to_string).chain([short]).collect()
}

async fn serve(chain: legacy::Chain) -> (RunningServer, legacy::Network) {
    let network = legacy::Network::new(legacy::Options::demo(chain, 40, app::now().0)).unwrap();
    (Server::bind(network.clone(), "127.0.0.1:0").await.unwrap().spawn(), network)
}

/// Every address, about an own masternode, one of another customer, and one that nobody watches.
fn targets(ids: &[String]) -> Vec<String> {
    let mut targets: Vec<String> = Contract::read().paths().into_iter().collect();
    targets.extend(
        [
            "/",
            "/?show=all",
            "/events",
            "/events?limit=1000",
            "/metrics?group=customer=acme",
            "/metrics",
            "/metrics?group=customer=beta",
        ]
        .map(str::to_string),
    );
    targets.extend(
        ["limit=1000", "kind=payment&limit=1000", "order=oldest"].map(|query| format!("/api/v1/events?{query}")),
    );
    for id in [&ids[0], &ids[2], &ids[9]] {
        targets.extend([format!("/masternodes/{id}"), format!("/api/v1/earnings?masternode={id}&by=payee")]);
        targets.extend(["", "/duties", "/duties.ics"].map(|more| format!("/api/v1/masternodes/{id}{more}")));
    }
    targets.into_iter().map(|target| target.replace("{id}", &ids[0])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limited_reader_sees_no_elected_payee_and_nothing_else_of_other_masternodes() {
    for (chain, name) in [(legacy::Chain::Dimecoin, "dimecoin"), (legacy::Chain::Prcycoin, "prcycoin")] {
        let (server, network) = serve(chain).await;
        let mut running = Running::idle().await;
        let url = server.handle().url();
        running.write("token", TOKEN);
        let ids = network.masternodes();
        let entries: String = (0..2)
            .map(|index| {
                format!("- {{ masternode: \"{}\", alias: acme-{index}, groups: {{ customer: acme }} }}\n", ids[index])
            })
            .chain([format!("- {{ masternode: \"{}\", alias: beta-2, groups: {{ customer: beta }} }}\n", ids[2])])
            .collect();
        running.write(
            "exporter.yml",
            &format!(
                "networks: [{{name: legacy, chain: {name}, poll_interval: 200ms, sources: [{{name: node, url: \"{url}\", username: user, \
                 password_file: rpc-password}}]}}]\nhistory: {{ path: history.db }}\nwatch:\n{entries}web: {{ views: [{{ name: acme, \
                 token_file: token, groups: {{ customer: acme }} }}] }}\n"
            ),
        );
        running.start().await;
        network.mine(6);
        let tip = format!("\"height\":{}", network.tip().0);
        running.until("the tip", || running.get("/api/v1/status"), |(_, text)| text.contains(&tip)).await;
        let (_, all) = running.get("/api/v1/masternodes?limit=1000").await;
        let all: serde_json::Value = serde_json::from_str(&all).unwrap();
        let (mut mine, mut foreign) = (BTreeSet::new(), BTreeSet::from(["beta".to_string()]));
        for masternode in all["masternodes"].as_array().unwrap() {
            let is_mine = ids[..2].iter().any(|id| masternode["masternode"] == **id);
            if is_mine { &mut mine } else { &mut foreign }.extend(texts(masternode));
        }
        let foreign: BTreeSet<String> = foreign.difference(&mine).cloned().collect();
        assert!(foreign.len() > 30, "{foreign:?}");
        // The payees ahead are on the page of who sees everything.
        let (_, whole) = running.get("/").await;
        assert!(whole.contains("Next payees"), "{whole}");
        let card = whole.split("Next payees").nth(1).unwrap().split("</div>").next().unwrap();
        assert!(foreign.iter().any(|text| card.contains(text.as_str())), "{card}");
        let targets = targets(&ids);
        let mut seen = String::new();
        for target in targets {
            let (_, text) = running.get(&format!("/view/{TOKEN}{target}")).await;
            let text = text.replace(target.rsplit('/').next().unwrap(), "");
            for secret in &foreign {
                assert!(!text.contains(secret.as_str()), "{name}: {target} shows {secret}: {text}");
            }
            seen += &text;
        }
        assert!(seen.contains("acme-0") && mine.iter().any(|text| seen.contains(text.as_str())), "{seen}");
        running.stop().await;
    }
}
