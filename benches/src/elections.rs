//! A Dimecoin network of any size, of which everything that its elections need is known.
//!
//! Never here: measuring.

use std::sync::Arc;

use domain::chain::{DIMECOIN, Subnet};
use domain::chain_facts::{ChainFacts, Collateral};
use domain::list::MasternodeList;
use domain::masternode::Outpoint;
use domain::payment::{Payments, Vote};
use domain::state::Announced;
use domain::{BlockHash, DetailTexts, Height, Masternode, MasternodeId, UnixSeconds};

use crate::data;

const NOW: UnixSeconds = UnixSeconds(1_795_000_000);

/// The inputs of the elections of a block.
pub struct Election {
    list: MasternodeList,
    facts: ChainFacts,
}

impl Election {
    /// Those of a network of `count` masternodes, all enabled, with votes for the next ten blocks.
    pub fn new(count: u64) -> Election {
        let enabled = Arc::new(DIMECOIN.states[0].clone());
        let masternode = |number: u64| Masternode {
            id: MasternodeId::Collateral(Outpoint { txid: data::hash(number), index: 1 }),
            last_paid_height: Some(Height(data::TIP - 1 - (number % 4_600) as u32)),
            details: DetailTexts { payout_address: Some(format!("7payee{number}").into()), ..DetailTexts::default() }
                .into(),
            announced: Some(Box::new(Announced {
                state: enabled.clone(),
                protocol_version: Some(70_008),
                last_seen: Some(UnixSeconds(NOW.0 - 60)),
                started_at: Some(UnixSeconds(NOW.0 - 10_000_000 + number)),
                last_paid_at: None,
                rank: None,
            })),
            ..data::masternode(number)
        };
        let list = MasternodeList::new(data::block(data::TIP), (0..count).map(masternode).collect())
            .expect("numbers differ, so do the hashes");
        let confirmed = |number: u64| Some(BlockHash(data::hash(number + 1_000_000)));
        let collateral = |number: u64| Collateral { height: Height(1_000_000), confirmed: confirmed(number) };
        let vote = |ahead: u32| Vote {
            height: Height(data::TIP + ahead),
            payee: format!("7payee{}", 4_599 - u64::from(ahead)).into(),
            votes: 9,
        };
        let facts = ChainFacts {
            votes: Some((0..10).map(vote).collect()),
            collaterals: Arc::new((0..count).map(|number| (masternode(number).id, collateral(number))).collect()),
            block_hashes: Arc::new(
                (0..=100).map(|back| data::block(data::TIP - back)).map(|block| (block.height, block.hash)).collect(),
            ),
            measured_spacing_seconds: Some(64.0),
            ..ChainFacts::new(Subnet::Main)
        };
        Election { list, facts }
    }

    /// Elects the payees of all blocks whose hashes are known. Returns how many there are.
    pub fn hold(&self) -> usize {
        Payments::new(&DIMECOIN, &self.list, &self.facts, NOW).elections().ahead().len()
    }
}
