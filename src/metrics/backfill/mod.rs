//! Samples of past blocks as one OpenMetrics file, which `promtool tsdb create-blocks-from openmetrics` takes.
//!
//! The page of each block is made as for a scrape, and its samples are laid aside on disk, family by family, as they come.
//! In the end each family is read back and written series by series, each with its moments in order, as the format demands.
//! In memory are the labels of every series once, the last page, and some millions of samples at a time; a family that has
//! more is read several times.
//!
//! Never here: which blocks; a sample under another name or label than on the live page.

mod chunks;

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::metrics::MetricsSettings;
use crate::metrics::backfill::chunks::{Parts, Sample};
use crate::metrics::catalog::{self, FAMILIES, Family, Tier};
use crate::metrics::page::{Cursor, ExpositionPage, Filter, Format};
use crate::metrics::selection::{NetworkPage, SeriesBudget};
use domain::Snapshot;

/// Prometheus takes a series for ended five minutes after its last sample: a block that is the last one for longer is told
/// again. In seconds.
const REPEAT: u64 = 240;

/// For how long a block is told again at most, in seconds.
const LONGEST: u64 = 6 * 3600;

/// What is known or said of the present only, or is about the page itself.
const OF_NOW: [&Family; 28] = [
    &catalog::PEER_LAST_SUCCESS,
    &catalog::PLATFORM_BANNED,
    &catalog::NETWORK_CHAINLOCK_HEIGHT,
    &catalog::NETWORK_SPORK,
    &catalog::REQUIREMENT_MET,
    &catalog::DKG_SEAT,
    &catalog::NETWORK_DKG_DRAWN,
    &catalog::MAINTENANCE,
    &catalog::MAINTENANCE_UNTIL,
    &catalog::NETWORK_MINIMUM_PROTOCOL,
    &catalog::NETWORK_NEXT_PROTOCOL,
    &catalog::NETWORK_QUORUM_SPORK,
    &catalog::NETWORK_SPORKS_COMPILED_IN,
    &catalog::NETWORK_COINBASE_VERSION,
    &catalog::DEPLOYMENT_STATE,
    &catalog::DEPLOYMENT_WINDOW,
    &catalog::DEPLOYMENT_SIGNAL_HEIGHT,
    &catalog::DEPLOYMENT_SIGNALLING,
    &catalog::DEPLOYMENT_ELAPSED,
    &catalog::DEPLOYMENT_THRESHOLD,
    &catalog::DEPLOYMENT_POSSIBLE,
    &catalog::DEPLOYMENT_ACTIVATION_HEIGHT,
    &catalog::DEPLOYMENT_ACTIVATION_TIMESTAMP,
    &catalog::DEPLOYMENT_EARLIEST_HEIGHT,
    &catalog::DEPLOYMENT_EARLIEST_TIMESTAMP,
    &catalog::DEPLOYMENT_ACTIVE_SINCE,
    &catalog::LIST_HEIGHT,
    &catalog::LIST_TIMESTAMP,
];

/// A file in the making. Until it is whole there is a folder next to it, which goes when this is dropped.
pub struct BackfillFile {
    target: PathBuf,
    settings: MetricsSettings,
    filter: Filter,
    parts: Parts,
    page: Option<Arc<NetworkPage>>,
    last: Vec<Sample>,
    moment: Option<u64>,
}

impl BackfillFile {
    /// Begins it. Fails when there is a file of that name, or the folder next to it cannot be made.
    pub fn create(target: &Path, settings: MetricsSettings) -> io::Result<BackfillFile> {
        if fs::symlink_metadata(target).is_ok() {
            return Err(io::Error::other(format!("{} is there already: name another file", target.display())));
        }
        let families = FAMILIES.iter().filter(|family| family.tier != Tier::Source && !OF_NOW.contains(family));
        let filter = Filter { families: families.map(|family| family.name.to_string()).collect(), shard: None };
        let parts = Parts::create(target)?;
        let target = target.to_path_buf();
        Ok(BackfillFile { target, settings, filter, parts, page: None, last: Vec::new(), moment: None })
    }

    /// Adds the samples of a block, the next one to those before. Its moment is the time of the block, or a second after
    /// the moment before: times of blocks may go back.
    pub fn add(&mut self, snapshot: Arc<Snapshot>) -> io::Result<()> {
        let time = snapshot.block().time.0;
        let moment = self.moment.map_or(time, |before| time.max(before + 1));
        self.repeat_until(moment)?;
        let room = SeriesBudget::new(&self.settings, [&snapshot].into_iter());
        let page = Arc::new(NetworkPage::new(snapshot, &self.settings, room, self.page.as_deref()));
        let sheet = ExpositionPage::new(self.settings.clone(), vec![page.clone()]);
        let mut text = Vec::with_capacity(sheet.size_estimate());
        sheet.write(Format::OpenMetrics, &self.filter, &mut Cursor::default(), usize::MAX, &mut text);
        self.last = self.parts.read(&text)?;
        self.parts.keep(moment, &self.last)?;
        (self.page, self.moment) = (Some(page), Some(moment));
        Ok(())
    }

    /// Tells the last block again as long as no other one came.
    fn repeat_until(&mut self, next: u64) -> io::Result<()> {
        let Some(last) = self.moment else { return Ok(()) };
        let mut moment = last + REPEAT;
        while moment < next && moment <= last + LONGEST {
            self.parts.keep(moment, &self.last)?;
            moment += REPEAT;
        }
        Ok(())
    }

    /// Writes the file and gives it its name. Returns how many samples it has.
    pub fn finish(mut self) -> io::Result<u64> {
        let whole = self.parts.path("whole");
        let mut out = BufWriter::with_capacity(1 << 20, fs::File::create_new(&whole)?);
        let samples = self.parts.write(&mut out)?;
        out.write_all(b"# EOF\n")?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(whole, &self.target)?;
        Ok(samples)
    }
}
