//! Samples of past blocks as one OpenMetrics file for `promtool tsdb create-blocks-from openmetrics`.
//!
//! The page of each block is rendered as for a scrape, and its samples are stored on disk, family by family. At the
//! end, each family is read back and written series by series in order of time, as the format requires. Memory holds
//! the labels of every series once, the last page, and some millions of samples at a time; a family with more samples
//! is read several times.
//!
//! Never here: selection of blocks; samples with other names or labels than in the live exposition.

mod chunks;

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::catalog::{self, FAMILIES, Family, Tier};
use crate::metrics::MetricsSettings;
use crate::metrics::backfill::chunks::{Parts, Sample};
use crate::metrics::page::{ExpositionPage, Filter, Format, Piece};
use crate::metrics::selection::{NetworkPage, SeriesBudget};
use domain::Snapshot;

/// Prometheus treats a series as ended five minutes after its last sample: a block that stays the last one for longer
/// is written again after this many seconds.
const REPEAT: u64 = 240;

/// Maximum time for which a block is written again, in seconds.
const LONGEST: u64 = 6 * 3600;

/// Families that describe only the present, or the exposition itself.
const OF_NOW: [&Family; 31] = [
    &catalog::PAYMENT_OVERDUE_BLOCKS,
    &catalog::PAYMENT_LAST_TIMESTAMP,
    &catalog::POSE_BAN_LOST_AMOUNT,
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

/// A file in progress. Until it is complete there is a folder next to it, which is removed when this is dropped.
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
    /// Starts it. Fails if the file exists, or if the folder next to it cannot be created.
    pub fn create(target: &Path, settings: MetricsSettings) -> io::Result<BackfillFile> {
        if fs::symlink_metadata(target).is_ok() {
            return Err(io::Error::other(format!("{} already exists: choose another file", target.display())));
        }
        let families = FAMILIES.iter().filter(|family| family.tier != Tier::Source && !OF_NOW.contains(family));
        let filter = Filter { families: families.map(|family| family.name.to_string()).collect(), ..Filter::default() };
        let parts = Parts::create(target)?;
        let target = target.to_path_buf();
        Ok(BackfillFile { target, settings, filter, parts, page: None, last: Vec::new(), moment: None })
    }

    /// Adds the samples of a block, in block order. Its time is that of the block, or one second after the previous
    /// time: block times may decrease.
    pub fn add(&mut self, snapshot: Arc<Snapshot>) -> io::Result<()> {
        let time = snapshot.block().time.0;
        let moment = self.moment.map_or(time, |before| time.max(before + 1));
        self.repeat_until(moment)?;
        let room = SeriesBudget::new(&self.settings, [&snapshot].into_iter());
        let page = Arc::new(NetworkPage::new(snapshot, &self.settings, room, self.page.as_deref()));
        let sheet = ExpositionPage::new(self.settings.clone(), vec![page.clone()]);
        let mut whole = Piece::default();
        sheet.write_whole(Format::OpenMetrics, &self.filter, &mut whole);
        self.last = self.parts.read(&whole.text)?;
        self.parts.keep(moment, &self.last)?;
        (self.page, self.moment) = (Some(page), Some(moment));
        Ok(())
    }

    /// Repeats the last block until the next one.
    fn repeat_until(&mut self, next: u64) -> io::Result<()> {
        let Some(last) = self.moment else { return Ok(()) };
        let mut moment = last + REPEAT;
        while moment < next && moment <= last + LONGEST {
            self.parts.keep(moment, &self.last)?;
            moment += REPEAT;
        }
        Ok(())
    }

    /// Writes the file and renames it. Returns the number of samples.
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
