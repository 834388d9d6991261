//! Tests of the simulated Dimecoin and PRCYcoin networks: rules to the second, answers compared with recorded ones.

mod dimecoin;
mod payment;
mod prcycoin;
mod shape;
mod states;
mod whole;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::legacy::{Chain, MasternodeFacts, Network, Options};
use crate::{RunningServer, Server, ServerOptions};

/// The text of a recorded answer.
fn recorded(chain: Chain, name: &str) -> String {
    let folder = match chain {
        Chain::Dimecoin => "dimecoin/2.3.0.0",
        Chain::Prcycoin => "prcycoin/2.0.0.6",
    };
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(folder).join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A scripted private network.
fn network(chain: Chain, masternodes: usize) -> Network {
    Network::new(Options::regtest(chain, masternodes)).expect("valid")
}

/// A server of the network, optionally on a host that runs a masternode.
async fn serve(network: &Network, masternode: Option<String>) -> RunningServer {
    let options = ServerOptions { masternode, ..ServerOptions::default() };
    Server::bind_with(network.clone(), "127.0.0.1:0", options).await.expect("a free port").spawn()
}

fn facts(network: &Network, masternode: &str) -> MasternodeFacts {
    network.masternode(masternode).expect("known")
}

/// Advances the time to this second, without a block.
fn advance_to(network: &Network, time: u64) {
    network.advance(Duration::from_secs(time.checked_sub(network.now()).expect("a moment to come")));
}
