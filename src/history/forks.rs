//! Activation heights of consensus changes that are certain, so that a process that restarts with an outdated source
//! knows that it must not follow it.
//!
//! Never here: whether a height is right.

use rusqlite::{OptionalExtension, params};

use crate::history::codec::Column;
use crate::history::{NetworkId, Store, StoreError};
use domain::masternode::Height;

impl Store {
    /// The activation height of a deployment; `None` if none is recorded.
    pub fn activation(&self, network: NetworkId, deployment: &str) -> Result<Option<Height>, StoreError> {
        let select = "SELECT height FROM activation WHERE network = ?1 AND deployment = ?2";
        let found = self.connection.query_row(select, params![network.0, deployment], |row| {
            let Column(height) = row.get(0)?;
            Ok(height)
        });
        Ok(found.optional()?)
    }

    /// Records the activation height of a deployment, or deletes it.
    pub fn keep_activation(
        &mut self,
        network: NetworkId,
        deployment: &str,
        height: Option<Height>,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let delete = "DELETE FROM activation WHERE network = ?1 AND deployment = ?2";
            transaction.execute(delete, params![network.0, deployment])?;
            if let Some(height) = height {
                let insert = "INSERT INTO activation (network, deployment, height) VALUES (?1, ?2, ?3)";
                transaction.execute(insert, params![network.0, deployment, Column(height)])?;
            }
            Ok(())
        })
    }
}
