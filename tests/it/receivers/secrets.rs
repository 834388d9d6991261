//! Secrets in files that are replaced while the exporter runs.

use masternode_exporter::alerting::settings::{Kind, Receiver};
use masternode_exporter::secret::SecretSource;

use crate::push::{FakeReceiver, TestEngine, at_once, has};
use crate::support::harness::{Stage, fail};

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_token_or_url_is_used_without_a_reload() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::following().await;
    let (by_token, by_url) = (FakeReceiver::start().await, FakeReceiver::start().await);
    let (token, url) = (folder.path().join("token"), folder.path().join("url"));
    std::fs::write(&token, "old-token\n").unwrap();
    std::fs::write(&url, format!("{}/old-path\n", by_url.address)).unwrap();
    by_token.require("Bearer old-token\r\n");
    by_url.require("POST /old-path ");
    let receivers = vec![
        Receiver { token: Some(SecretSource::File(token.clone())), ..by_token.settings("token", Kind::Generic) },
        Receiver { address: SecretSource::File(url.clone()), ..by_url.settings("url", Kind::Generic) },
    ];
    let mut exporter = TestEngine::new(None);
    exporter.engine.reconfigure(&at_once(receivers)).await;
    let masternodes = [0, 1].map(|number| stage.masternode(number));
    stage.mine(&[fail(&masternodes[0], 2)]).await;
    exporter.see(stage.snapshot());
    for fake in [&by_token, &by_url] {
        fake.wait("the first ban", |got| has(got, "MasternodePoSeBanned", "firing")).await;
    }
    by_token.require("Bearer new-token\r\n");
    by_url.require("POST /new-path ");
    stage.mine(&[simulator::Action::Revive { masternode: masternodes[0].clone() }]).await;
    exporter.see(stage.snapshot());
    for name in ["token", "url"] {
        exporter.noted("failed", name, 1).await;
    }
    // Gone for a moment, as while a file is replaced: no message is lost.
    std::fs::remove_file(&token).unwrap();
    std::fs::write(&url, format!("{}/new-path", by_url.address)).unwrap();
    exporter.noted("failed", "token", 2).await;
    std::fs::write(&token, "new-token").unwrap();
    for fake in [&by_token, &by_url] {
        fake.wait("its end", |got| has(got, "MasternodePoSeBanned", "resolved")).await;
    }
    exporter.engine.stop().await;
}
