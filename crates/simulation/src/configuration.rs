//! The configuration file of the simulated exporter, valid or not, and the passwords that it names.
//!
//! Never here: whether the exporter accepts it.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use masternode_exporter::config::{self, ConfigSources, LoadedConfig};

use crate::chain_kind::ChainKind;
use crate::clock;
use crate::receivers::NAMES;
use crate::wire;

/// Number of sources.
pub(crate) const SOURCES: usize = 2;

/// Seconds after which a list that no source confirmed is withdrawn.
pub(crate) const STALE_SECONDS: u64 = 900;

/// Place of the last byte of a history's version in the file.
const VERSION_AT: usize = 63;

/// The files in the folder of a simulation.
pub(crate) struct Files {
    folder: PathBuf,
    chain: ChainKind,
}

impl Files {
    pub(crate) fn new(folder: &Path, chain: ChainKind) -> Files {
        Files { folder: folder.into(), chain }
    }

    /// The history.
    pub(crate) fn history(&self) -> PathBuf {
        self.folder.join("history.db")
    }

    /// What an older version does that finds the history of this one: it sets the file aside and has one of its own.
    pub(crate) fn roll_back(&self) {
        let (history, aside) = (self.history(), format!("history.db.newer-{}", clock::wall().0));
        let aside = self.folder.join(aside);
        for suffix in ["-wal", "-shm", ""] {
            let with = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
            // A companion is absent after an orderly end.
            let _ = fs::rename(with(&history), with(&aside));
        }
        let Ok(mut own) = fs::read(&aside) else { return };
        if let Some(version) = own.get_mut(VERSION_AT) {
            *version -= 1;
            fs::write(history, own).expect("the folder of the simulation can be written");
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("exporter.yml")
    }

    /// Writes the password of a source.
    pub(crate) fn write_password(&self, source: usize, password: &str) {
        write(&self.folder.join(format!("password-{source}")), password);
    }

    /// Writes a valid configuration that watches these masternodes.
    pub(crate) fn write(&self, watched: &[String]) {
        write(&self.path(), &self.text(watched));
    }

    /// Writes an invalid configuration.
    pub(crate) fn write_invalid(&self, watched: &[String], way: u8) {
        let text = self.text(watched);
        let bad = match way % 5 {
            0 => String::new() + "networks: [",
            1 => text.replace("poll_interval", "pole_interval"),
            2 => text.replace("http://node-0/", "node-0"),
            3 => text + "alerting: {}\n",
            _ => text.replace("kind: generic", "kind: pigeon"),
        };
        write(&self.path(), &bad);
    }

    fn text(&self, watched: &[String]) -> String {
        let chain = self.chain.name();
        let mut text = format!("networks:\n  - name: net\n    chain: {chain}\n    poll_interval: 30s\n    sources:\n");
        for source in 0..SOURCES {
            let password = self.folder.join(format!("password-{source}"));
            let line = format!(
                "      - {{ name: node-{source}, url: \"http://node-{source}/\", username: user, password_file: {} }}\n",
                password.display()
            );
            text += &line;
        }
        // Writing into a text cannot fail.
        let _ = writeln!(
            text,
            "history: {{ path: {}, max_gap_blocks: 100000 }}\nalerting:\n  webhooks:",
            self.history().display()
        );
        for name in NAMES {
            let _ = writeln!(text, "    - {{ name: {name}, kind: generic, url: \"http://{name}/\" }}");
        }
        text += "watch:\n";
        for id in watched {
            let _ = writeln!(text, "  - {{ masternode: \"{id}\", alias: \"mn-{}\" }}", &id[..6]);
        }
        text
    }

    /// Reads the configuration as the exporter does, and connects it to the simulation.
    pub(crate) fn load(&self) -> Result<LoadedConfig, String> {
        let sources = ConfigSources { file: Some(self.path()), ..ConfigSources::default() };
        let mut loaded = config::load(&sources).map_err(|errors| errors.to_string())?;
        let transport = Some(wire::transport());
        for source in loaded.config.networks.iter_mut().flat_map(|network| &mut network.sources) {
            source.outbound.transport.clone_from(&transport);
        }
        for receiver in &mut loaded.config.alerting.receivers {
            receiver.outbound.transport.clone_from(&transport);
        }
        Ok(loaded)
    }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("the folder of the simulation can be written");
}
