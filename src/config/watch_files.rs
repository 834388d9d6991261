//! The key `watch_files`: files with entries of the watch list. They are read and refused one by one: while the content of
//! one is refused, its last good content stays in force.
//!
//! Never here: the meaning of an entry (`watch`); when the files are read again (`app`).

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use exporter_toolkit::FileStamp;
use glob::Pattern;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::leaf::{FilePath, List};
use crate::config::load::MAX_FILE_BYTES;
use crate::config::mistakes::{Mistakes, Place};
use crate::config::watch::{self, WatchSection};
use crate::config::yaml::Positions;
use crate::config::{Config, NetworkConfig, WatchConfig, files, read, receiver_match, yaml};
use crate::secret::file;
use domain::entry_matches::selector_text;

/// Most files of a pattern.
const MOST_FILES: usize = 10_000;

/// The structure of a file.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct WatchFileSection {
    watch: Option<List<WatchSection>>,
}

/// The files, and what of them is in force.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WatchFiles {
    patterns: Vec<FilePattern>,
    files: Vec<WatchFile>,
    /// Patterns whose files cannot be listed.
    faults: Vec<String>,
    duplicates: Vec<String>,
    /// The number of entries of `watch`, which precede those of the files.
    own: usize,
}

/// Why a file in a folder that cannot be listed is refused.
const HIDDEN: &str = "its folder cannot be read";

/// One pattern of `watch_files`.
#[derive(Clone, Debug, PartialEq)]
struct FilePattern {
    /// The folder to which it is relative.
    folder: PathBuf,
    /// The path of its file if it has no wildcards.
    path: PathBuf,
    /// As it is written.
    text: String,
    /// With the folder, which is escaped in it.
    whole: String,
}

/// One file.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchFile {
    /// Its path, relative to the folder of the configuration.
    pub name: String,
    stamp: FileStamp,
    path: PathBuf,
    /// Whether its present content could be read, good or not.
    is_readable: bool,
    /// Why its present content is refused; empty if it is in force.
    pub mistakes: Vec<String>,
    /// What is in force: the present content, or the last good one; `None` if no good one is known.
    content: Option<Arc<Content>>,
}

/// The good content of a file.
#[derive(Debug, PartialEq)]
struct Content {
    text: String,
    entries: Vec<WatchConfig>,
    /// The line of each entry.
    lines: Vec<u64>,
}

/// The files that the patterns match, and the patterns whose files cannot be listed.
pub type Listing = (Vec<(PathBuf, FileStamp)>, Vec<String>);

/// The patterns of the key.
pub(super) fn patterns(section: List<FilePath>, at: &Place<'_>, home: Option<&Path>) -> WatchFiles {
    let mut patterns = Vec::new();
    for (index, text) in section.each() {
        let at = at.index(index);
        let (text, folder) = (text.0.clone(), at.folder().to_path_buf());
        let Some(path) = files::path(text_of(&text), &at, home) else { continue };
        let whole = match text.starts_with('~') || Path::new(&text).is_absolute() {
            true => path.clone(),
            false => Path::new(&Pattern::escape(&folder.to_string_lossy())).join(&text),
        };
        let whole = whole.to_string_lossy().into_owned();
        match Pattern::new(&whole) {
            Ok(_) => patterns.push(FilePattern { folder, path, text, whole }),
            Err(error) => at.error(format_args!("is no pattern of file names: {}", error.msg)),
        }
    }
    WatchFiles { patterns, ..WatchFiles::default() }
}

fn text_of(text: &str) -> FilePath {
    crate::config::leaf::Leaf(text.to_string())
}

impl FilePattern {
    fn has_wildcards(&self) -> bool {
        self.text.contains(['*', '?', '['])
    }

    /// The files that match, ascending. A pattern without wildcards names its file, whether or not there is one.
    fn list(&self) -> Result<Vec<PathBuf>, String> {
        let fault = |error: &dyn std::fmt::Display| format!("{}: {error}", self.text);
        if !self.has_wildcards() {
            return Ok(vec![self.path.clone()]);
        }
        let folder: PathBuf = self.path.components().take_while(|part| !is_wild(part)).collect();
        let folder = if folder.as_os_str().is_empty() { Path::new(".").to_path_buf() } else { folder };
        std::fs::read_dir(&folder)
            .map_err(|error| fault(&format_args!("folder {} cannot be read: {error}", folder.display())))?;
        let paths = glob::glob(&self.whole).map_err(|error| fault(&error))?;
        let paths: Vec<PathBuf> =
            paths.take(MOST_FILES + 1).collect::<Result<_, _>>().map_err(|error| fault(&error))?;
        if paths.len() > MOST_FILES {
            return Err(fault(&format_args!("matches more than {MOST_FILES} files")));
        }
        Ok(paths)
    }

    fn matches(&self, path: &Path) -> bool {
        self.path == path || Pattern::new(&self.whole).is_ok_and(|pattern| pattern.matches_path(path))
    }

    fn name(&self, path: &Path) -> String {
        path.strip_prefix(&self.folder).unwrap_or(path).display().to_string()
    }
}

fn is_wild(part: &Component<'_>) -> bool {
    part.as_os_str().to_string_lossy().contains(['*', '?', '['])
}

impl WatchFiles {
    /// Whether there is a pattern.
    pub fn is_configured(&self) -> bool {
        !self.patterns.is_empty()
    }

    /// The files, in the order of the patterns.
    pub fn files(&self) -> &[WatchFile] {
        &self.files
    }

    /// What the patterns match now. Reads folders.
    pub fn list(&self) -> Listing {
        let (mut found, mut faults): Listing = Listing::default();
        for pattern in &self.patterns {
            match pattern.list() {
                Ok(paths) => {
                    for path in paths {
                        if !found.iter().any(|(other, _)| *other == path) {
                            let stamp = FileStamp::new(&path);
                            found.push((path, stamp));
                        }
                    }
                }
                Err(fault) => faults.push(fault),
            }
        }
        (found, faults)
    }

    /// What the patterns matched when the files were read.
    pub fn listed(&self) -> Listing {
        let files = self.files.iter().map(|file| (file.path.clone(), file.stamp.clone()));
        (files.collect(), self.faults.clone())
    }

    /// Whether a file could not be read at all: its permissions may change without its time.
    pub fn has_unreadable(&self) -> bool {
        self.files.iter().any(|file| !file.is_readable)
    }

    /// Reads all files that the patterns match now. Entries are checked against `networks`; `own` are those of `watch`.
    #[must_use]
    pub fn read(&self, networks: &[NetworkConfig], own: &[WatchConfig]) -> WatchFiles {
        let (found, faults) = self.list();
        let patterns = self.patterns.clone();
        let name = |path: &Path| {
            let of = patterns.iter().find(|pattern| pattern.matches(path)).or(patterns.first());
            of.map_or_else(|| path.display().to_string(), |pattern| pattern.name(path))
        };
        let files = found.into_iter().map(|(path, stamp)| WatchFile::read(name(&path), path, stamp, networks));
        let files = WatchFiles { files: files.collect(), faults, duplicates: Vec::new(), own: own.len(), patterns };
        files.with_duplicates(own)
    }

    /// The same files; of those whose content is refused, the content that was in force `before`.
    #[must_use]
    pub fn keeping(mut self, before: &WatchFiles, own: &[WatchConfig]) -> WatchFiles {
        for file in &mut self.files {
            if file.content.is_none() {
                let earlier = before.files.iter().find(|earlier| earlier.path == file.path);
                file.content = earlier.and_then(|earlier| earlier.content.clone());
            }
        }
        let faulty = self.faulty();
        for file in &before.files {
            let is_hidden = faulty.iter().any(|pattern| pattern.matches(&file.path));
            if is_hidden && !self.files.iter().any(|other| other.path == file.path) {
                self.files.push(file.clone().hidden());
            }
        }
        self.with_duplicates(own)
    }

    /// The same files; of those without any content in force, the texts that were kept, by the names of the files.
    #[must_use]
    fn with_kept(mut self, kept: &BTreeMap<String, String>, networks: &[NetworkConfig]) -> WatchFiles {
        for file in self.files.iter_mut().filter(|file| file.content.is_none()) {
            let text = kept.get(&file.name);
            file.content = text.and_then(|text| Content::parse(&file.name, text, networks).ok()).map(Arc::new);
        }
        for pattern in self.faulty() {
            for (name, text) in kept {
                let path = pattern.folder.join(name);
                let is_hidden = pattern.matches(&path) && !self.files.iter().any(|file| file.path == path);
                let content = Content::parse(name, text, networks).ok().filter(|_| is_hidden);
                self.files.extend(content.map(|content| WatchFile {
                    name: name.clone(),
                    stamp: FileStamp::new(&path),
                    path,
                    is_readable: true,
                    mistakes: vec![HIDDEN.into()],
                    content: Some(Arc::new(content)),
                }));
            }
        }
        self
    }

    /// The patterns whose files cannot be listed.
    fn faulty(&self) -> Vec<FilePattern> {
        let faulty = self.patterns.iter().filter(|pattern| pattern.has_wildcards() && pattern.list().is_err());
        faulty.cloned().collect()
    }

    /// Whether entries may be missing: a file without any content in force, or one that cannot be listed.
    pub fn is_partial(&self) -> bool {
        !self.faults.is_empty() || self.files.iter().any(|file| file.content.is_none())
    }

    /// The good texts in force, by the names of the files.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|file| Some((file.name.as_str(), file.content.as_ref()?.text.as_str())))
    }

    /// The entries in force.
    pub(super) fn entries(&self) -> impl Iterator<Item = &WatchConfig> {
        self.files.iter().filter_map(|file| file.content.as_ref()).flat_map(|content| &content.entries)
    }

    /// Everything that is wrong, for logs and alerts: refused files, patterns without a list, the same masternode twice.
    pub fn problems(&self) -> Vec<String> {
        let refused = self.files.iter().filter(|file| !file.mistakes.is_empty()).map(WatchFile::problem);
        let faults = self.faults.iter().map(|fault| {
            format!("watch_files: {fault}; the last good content of its files stays in force, if it is known")
        });
        refused.chain(faults).chain(self.duplicates.iter().cloned()).collect()
    }

    fn with_duplicates(mut self, own: &[WatchConfig]) -> WatchFiles {
        let mut places: HashMap<String, Vec<(Option<String>, String)>> = HashMap::new();
        let mut duplicates = Vec::new();
        let mut note = |(network, entry): &WatchConfig, place: &str| {
            let alias = (!entry.alias.is_empty()).then(|| format!("alias {}", entry.alias));
            for key in alias.into_iter().chain([selector_text(&entry.selector)]) {
                let earlier = places.entry(key.clone()).or_default();
                let overlaps =
                    |(other, _): &&(Option<String>, String)| other.is_none() || network.is_none() || other == network;
                if let Some((_, first)) = earlier.iter().find(overlaps) {
                    duplicates.push(format!("{place}: {key} is in {first} already"));
                }
                earlier.push((network.clone(), place.to_string()));
            }
        };
        own.iter().for_each(|entry| note(entry, "watch"));
        for file in &self.files {
            let Some(content) = &file.content else { continue };
            for (entry, line) in content.entries.iter().zip(&content.lines) {
                note(entry, &format!("{}:{line}", file.name));
            }
        }
        // The configuration itself refuses duplicates in `watch`.
        duplicates.retain(|text| !text.starts_with("watch:"));
        self.duplicates = duplicates;
        self
    }
}

impl WatchFile {
    /// The same file, in a folder that cannot be read.
    fn hidden(mut self) -> WatchFile {
        if self.mistakes.is_empty() {
            self.mistakes.push(HIDDEN.into());
        }
        self
    }

    fn read(name: String, path: PathBuf, stamp: FileStamp, networks: &[NetworkConfig]) -> WatchFile {
        let text = file::read_up_to(&path, MAX_FILE_BYTES);
        let is_readable = text.is_ok();
        let text = text.map_err(|error| vec![format!("{name}: {error}")]);
        let (content, mistakes) = match text.and_then(|text| Content::parse(&name, &text, networks)) {
            Ok(content) => (Some(Arc::new(content)), Vec::new()),
            Err(mistakes) => (None, mistakes),
        };
        WatchFile { name, stamp, path, is_readable, mistakes, content }
    }

    /// The number of entries in force; `None` if no good content is known.
    pub fn entries(&self) -> Option<usize> {
        self.content.as_ref().map(|content| content.entries.len())
    }

    /// In one sentence: that it is refused, what is in force instead, and why.
    pub fn problem(&self) -> String {
        let in_force = match self.entries() {
            Some(entries) => format!("its last good content with {entries} entries stays in force"),
            None => "no good content is known, so none of its masternodes is watched".into(),
        };
        let more =
            if self.mistakes.len() > 1 { format!(" (and {} more)", self.mistakes.len() - 1) } else { String::new() };
        let first = self.mistakes.first().map_or("", String::as_str);
        format!("watch file {} is refused, {in_force}: {first}{more}", self.name)
    }
}

impl Content {
    fn parse(name: &str, text: &str, networks: &[NetworkConfig]) -> Result<Content, Vec<String>> {
        let positions =
            Positions::of(text).map_err(|(line, error)| vec![format!("{name}:{}: {error}", line.max(1))])?;
        let value = yaml::parse(text).map_err(|error| vec![format!("{name}:1: {error}")])?;
        let mistakes = Mistakes::default();
        let section: WatchFileSection = read::read(&value, &mistakes);
        let at = Place::root(&value, &mistakes).key("watch");
        if at.is_empty() {
            at.error("has no entries: a file without any has watch: []");
        }
        let entries = watch::watch(section.watch.unwrap_or_default(), networks, &at);
        let lines = (0..entries.len()).map(|index| positions.line(&format!("watch[{index}]"))).collect();
        let found = mistakes.into_located(|path| format!("{name}:{}: ", positions.line(path)));
        if found.is_empty() { Ok(Content { text: text.to_string(), entries, lines }) } else { Err(found) }
    }
}

impl Config {
    /// The entries of `watch`, without those of the files.
    pub fn own_watch(&self) -> &[WatchConfig] {
        &self.watch[..self.watch_files.own.min(self.watch.len())]
    }

    /// Takes over the texts that were kept of files without any content in force, by the names of the files.
    pub fn recall_watch_files(&mut self, kept: &BTreeMap<String, String>) {
        let files = self.watch_files.clone().with_kept(kept, &self.networks);
        self.set_watch_files(files);
    }

    /// Takes over other content of the files.
    pub fn set_watch_files(&mut self, files: WatchFiles) {
        self.watch.truncate(files.own);
        self.watch.extend(files.entries().cloned());
        self.alerting.unrouted = receiver_match::unrouted(&self.alerting.receivers, &self.networks, &self.watch);
        self.watch_files = files;
    }
}
