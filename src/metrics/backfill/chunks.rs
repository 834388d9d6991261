//! Samples on disk: stored in the order of blocks, read back in the order of the output file.
//!
//! Never here: selection of samples; the end of the file.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crate::metrics::value::Value;

/// Number of samples that are sorted at a time: 16 bytes each.
const SORTED: u64 = 4_000_000;

/// Bytes of a sample on disk: number of the series, number of the time, value.
const RECORD: usize = 16;

/// One sample of a block: index of the family, number of the series in it, and value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    family: usize,
    series: u32,
    value: f64,
}

/// A folder with a file for each family.
pub(super) struct Parts {
    folder: PathBuf,
    families: Vec<Family>,
    /// Indexes of families by their heads.
    heads: HashMap<Vec<u8>, usize>,
    /// Unix times.
    moments: Vec<u64>,
}

struct Family {
    head: Vec<u8>,
    path: PathBuf,
    out: BufWriter<File>,
    /// Numbers by name and labels, as written before a value.
    numbers: HashMap<Box<[u8]>, u32>,
    /// Number of samples of each series.
    counts: Vec<u32>,
}

impl Parts {
    /// In a folder next to the target.
    pub(super) fn create(target: &Path) -> io::Result<Parts> {
        let mut name = target.as_os_str().to_os_string();
        name.push(".parts");
        let folder = PathBuf::from(name);
        fs::create_dir(&folder).map_err(|error| {
            let cure = if error.kind() == io::ErrorKind::AlreadyExists {
                "; a run that was killed left it: remove it"
            } else {
                ""
            };
            io::Error::new(error.kind(), format!("{}: {error}{cure}", folder.display()))
        })?;
        Ok(Parts { folder, families: Vec::new(), heads: HashMap::new(), moments: Vec::new() })
    }

    /// The path of a file in the folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Reads the samples of a page, each family after its HELP and TYPE lines.
    pub(super) fn read(&mut self, page: &[u8]) -> io::Result<Vec<Sample>> {
        let mut samples = Vec::new();
        let (mut head, mut family) = (Vec::new(), None);
        for line in page.split_inclusive(|byte| *byte == b'\n') {
            if line.starts_with(b"#") {
                if family.take().is_some() {
                    head.clear();
                }
                head.extend_from_slice(line);
                continue;
            }
            let place = match family {
                Some(place) => place,
                None => *family.insert(self.family(&head)?),
            };
            let (series, value) = sample(line).ok_or_else(|| io::Error::other("a line of the page is no sample"))?;
            let family = &mut self.families[place];
            let next = u32::try_from(family.counts.len()).map_err(io::Error::other)?;
            let series = match family.numbers.get(series) {
                Some(number) => *number,
                None => {
                    family.counts.push(0);
                    *family.numbers.entry(series.into()).or_insert(next)
                }
            };
            samples.push(Sample { family: place, series, value });
        }
        Ok(samples)
    }

    fn family(&mut self, head: &[u8]) -> io::Result<usize> {
        if let Some(place) = self.heads.get(head) {
            return Ok(*place);
        }
        let place = self.families.len();
        let path = self.path(&place.to_string());
        let out = BufWriter::with_capacity(1 << 16, File::create_new(&path)?);
        let (numbers, counts) = (HashMap::new(), Vec::new());
        self.families.push(Family { head: head.to_vec(), path, out, numbers, counts });
        self.heads.insert(head.to_vec(), place);
        Ok(place)
    }

    /// Stores the samples of a time, in Unix seconds, later than all before.
    pub(super) fn keep(&mut self, moment: u64, samples: &[Sample]) -> io::Result<()> {
        let number = u32::try_from(self.moments.len()).map_err(io::Error::other)?;
        self.moments.push(moment);
        for sample in samples {
            let family = &mut self.families[sample.family];
            family.counts[sample.series as usize] += 1;
            family.out.write_all(&sample.series.to_le_bytes())?;
            family.out.write_all(&number.to_le_bytes())?;
            family.out.write_all(&sample.value.to_le_bytes())?;
        }
        Ok(())
    }

    /// Writes everything: by family, by series, by time. Returns the number of samples.
    pub(super) fn write(&mut self, out: &mut impl Write) -> io::Result<u64> {
        let mut samples = 0;
        for family in &mut self.families {
            family.out.flush()?;
            out.write_all(&family.head)?;
            samples += family.write(&self.moments, SORTED, out)?;
        }
        Ok(samples)
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        // A folder that cannot be removed is reported by the next run.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Family {
    fn write(&self, moments: &[u64], most: u64, out: &mut impl Write) -> io::Result<u64> {
        let mut ordered: Vec<(&[u8], u32)> = self.numbers.iter().map(|(series, number)| (&**series, *number)).collect();
        ordered.sort_unstable();
        let mut ranks = vec![0; ordered.len()];
        (0..).zip(&ordered).for_each(|(rank, (_, number)): (u32, _)| ranks[*number as usize] = rank);
        let count = |rank: usize| u64::from(self.counts[ordered[rank].1 as usize]);
        let (mut first, mut written) = (0, 0);
        while first < ordered.len() {
            let (mut last, mut room) = (first, most.saturating_sub(count(first)));
            while last + 1 < ordered.len() && count(last + 1) <= room {
                last += 1;
                room -= count(last);
            }
            let mut samples = self.of_ranks(&ranks, first as u32..=last as u32)?;
            samples.sort_unstable_by_key(|(rank, moment, _)| (*rank, *moment));
            written += samples.len() as u64;
            for (rank, moment, value) in samples {
                out.write_all(ordered[rank as usize].0)?;
                let mut line = vec![b' '];
                Value::Real(value).write(&mut line);
                out.write_all(&line)?;
                writeln!(out, " {}", moments[moment as usize])?;
            }
            first = last + 1;
        }
        Ok(written)
    }

    /// The samples of some series in the order on disk.
    fn of_ranks(&self, ranks: &[u32], wanted: std::ops::RangeInclusive<u32>) -> io::Result<Vec<(u32, u32, f64)>> {
        let mut file = BufReader::with_capacity(1 << 20, File::open(&self.path)?);
        let mut samples = Vec::new();
        let mut record = [0; RECORD];
        loop {
            match file.read_exact(&mut record) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(samples),
                read => read?,
            }
            let [a, b, c, d, e, f, g, h, value @ ..] = record;
            let rank = ranks[u32::from_le_bytes([a, b, c, d]) as usize];
            if wanted.contains(&rank) {
                samples.push((rank, u32::from_le_bytes([e, f, g, h]), f64::from_le_bytes(value)));
            }
        }
    }
}

/// The name with labels, and the value, of a line.
fn sample(line: &[u8]) -> Option<(&[u8], f64)> {
    let line = line.strip_suffix(b"\n")?;
    // A label may contain spaces, a value does not.
    let space = line.iter().rposition(|byte| *byte == b' ')?;
    Some((&line[..space], std::str::from_utf8(&line[space + 1..]).ok()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str =
        "# HELP b Of b.\n# TYPE b gauge\nb{x=\"2 2\"} 1\nb{x=\"1\"} 0.5\n# HELP a Of a.\n# TYPE a counter\na_total 7\n";

    #[test]
    fn each_family_stands_together_and_each_series_in_the_order_of_time() {
        let folder = tempfile::tempdir().unwrap();
        let mut parts = Parts::create(&folder.path().join("file")).unwrap();
        for (moment, page) in
            [(10, PAGE.to_string()), (20, PAGE.replace(" 1\n", " 3\n")), (30, PAGE.replace("} 0.5", "} 4"))]
        {
            let samples = parts.read(page.as_bytes()).unwrap();
            parts.keep(moment, &samples).unwrap();
        }
        let mut out = Vec::new();
        assert_eq!(parts.write(&mut out).unwrap(), 9);
        let expected = "# HELP b Of b.\n# TYPE b gauge\nb{x=\"1\"} 0.5 10\nb{x=\"1\"} 0.5 20\nb{x=\"1\"} 4 30\n\
                        b{x=\"2 2\"} 1 10\nb{x=\"2 2\"} 3 20\nb{x=\"2 2\"} 1 30\n\
                        # HELP a Of a.\n# TYPE a counter\na_total 7 10\na_total 7 20\na_total 7 30\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        // The same with room for one series, or not even that, at a time.
        for most in [1, 3, 4] {
            let mut out = Vec::new();
            for family in &parts.families {
                out.extend_from_slice(&family.head);
                family.write(&parts.moments, most, &mut out).unwrap();
            }
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{most} at a time");
        }
        drop(parts);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
    }
}
