//! One state of the networks with its rendered pages.
//!
//! A page is a sequence of pieces in every case: kept, streamed, filtered, a shard, compressed or not. It is kept if it
//! is small enough, otherwise its pieces are written again for each scrape.
//!
//! Never here: which state is shown; the end of a page, which is different for each scrape.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::OnceCell;

use crate::metrics::buffers::{Buffer, PieceBuffers};
use crate::metrics::gzip::Member;
use crate::metrics::page::{Cursor, ExpositionPage, Filter, Format};

/// Size of the pieces of a page before compression. If it is written while it is sent, the reader sleeps while a piece
/// is written and is woken by the next: larger pieces are faster, until they no longer fit the cache of one core.
const PIECE_BYTES: usize = 512 * 1024;

/// Estimated size of a sample: as text, and compressed.
const SAMPLE_BYTES: [usize; 2] = [160, 48];

/// A format and encoding.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Variant {
    pub(super) format: Format,
    pub(super) gzip: bool,
}

impl Variant {
    pub(super) const ALL: [Variant; 4] = [
        Variant { format: Format::Text, gzip: false },
        Variant { format: Format::Text, gzip: true },
        Variant { format: Format::OpenMetrics, gzip: false },
        Variant { format: Format::OpenMetrics, gzip: true },
    ];

    /// Its index among all.
    pub(super) fn index(self) -> usize {
        2 * self.format as usize + usize::from(self.gzip)
    }
}

/// One state of the networks, with its cached pages.
pub(super) struct Published {
    /// Ascending from state to state.
    number: u64,
    pub(super) sheet: ExpositionPage,
    wide: Arc<WidePieces>,
    pub(super) kept: [OnceCell<Kept>; Variant::ALL.len()],
}

/// A page of one format and encoding without its end.
pub(super) struct Kept {
    pieces: Vec<Bytes>,
    member: Member,
}

impl Published {
    /// Of an empty page.
    pub(super) fn first(sheet: ExpositionPage) -> Published {
        Published { number: 0, sheet, wide: Arc::default(), kept: Default::default() }
    }

    /// Of the state after this one.
    pub(super) fn next(&self, sheet: ExpositionPage) -> Published {
        let wide = if sheet.has_labels_of(&self.sheet) { self.wide.clone() } else { Arc::default() };
        Published { number: self.number + 1, sheet, wide, kept: Default::default() }
    }

    /// Whether this state is newer.
    pub(super) fn is_after(&self, other: &Published) -> bool {
        self.number > other.number
    }

    /// Whether a variant is small enough to be kept. A larger one is written again for each scrape.
    pub(super) fn is_kept(&self, variant: Variant) -> bool {
        let bytes = self.sheet.samples() * SAMPLE_BYTES[usize::from(variant.gzip)];
        bytes <= self.sheet.settings.cache_limit_bytes
    }

    /// Renders a variant once; concurrent scrapes wait for the same page. Runs on a blocking thread.
    pub(super) async fn keep(self: &Arc<Self>, variant: Variant, buffers: &Arc<PieceBuffers>) -> &Kept {
        let render = || async {
            let mut pieces = Pieces::new(self.clone(), variant, Filter::default(), buffers.clone());
            blocking(move || Kept { pieces: pieces.by_ref().collect(), member: pieces.member }).await
        };
        self.kept[variant.index()].get_or_init(render).await
    }
}

impl Kept {
    /// The complete page.
    pub(super) fn close(&self, variant: Variant, tail: Bytes) -> Vec<Bytes> {
        let end = if variant.gzip { self.member.clone().end(&tail).into() } else { tail };
        self.pieces.iter().cloned().chain([end]).collect()
    }
}

/// On a runtime of one thread, the work blocks: there, no other thread changes the order of what happens.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    if tokio::runtime::Handle::current().runtime_flavor() == tokio::runtime::RuntimeFlavor::CurrentThread {
        return work();
    }
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Writes a page without its end, piece by piece: to be kept, or while it is sent.
pub(super) struct Pieces {
    published: Arc<Published>,
    variant: Variant,
    filter: Filter,
    cursor: Option<Cursor>,
    member: Member,
    buffers: Arc<PieceBuffers>,
}

impl Pieces {
    pub(super) fn new(
        published: Arc<Published>,
        variant: Variant,
        filter: Filter,
        buffers: Arc<PieceBuffers>,
    ) -> Pieces {
        Pieces { published, variant, filter, cursor: Some(Cursor::default()), member: Member::default(), buffers }
    }

    /// The same with the end of the page.
    pub(super) fn closed(mut self, tail: Bytes) -> impl Iterator<Item = Bytes> + Send {
        let mut tail = Some(tail);
        std::iter::from_fn(move || {
            self.next().or_else(|| {
                let tail = tail.take()?;
                Some(if self.variant.gzip { std::mem::take(&mut self.member).end(&tail).into() } else { tail })
            })
        })
    }
}

impl Pieces {
    /// The next piece as text; `None` at the end of the page.
    fn text(&mut self) -> Option<Buffer> {
        loop {
            let cursor = self.cursor.as_mut()?;
            // A line may exceed a piece by its own length.
            let mut text = self.buffers.take(PIECE_BYTES + 4096);
            if !self.published.sheet.write(self.variant.format, &self.filter, cursor, PIECE_BYTES, &mut text.piece) {
                self.cursor = None;
            }
            if !text.piece.text.is_empty() {
                return Some(text);
            }
        }
    }

    fn compressed(&mut self) -> Option<Bytes> {
        let start = self.cursor?;
        let published = self.published.clone();
        let unfiltered = self.filter.is_empty();
        if let Some(known) = published.wide.find(self.variant.format, start).filter(|_| unfiltered) {
            self.member.append(&known.member);
            self.cursor = Some(known.end);
            return Some(known.compressed);
        }
        let text = self.text()?;
        let (mut part, mut buffer) = (self.member.part(), self.buffers.take(0));
        part.add(&text.piece, &published.sheet, &mut buffer.piece.text);
        self.member.append(&part);
        // A third of the text: a copy of this size costs less than the buffer would take until the next block.
        let compressed = Bytes::copy_from_slice(&buffer.piece.text);
        if let Some(end) = self.cursor.filter(|_| unfiltered && text.piece.is_wide()) {
            published.wide.add(WidePiece {
                format: self.variant.format,
                start,
                end,
                member: part,
                compressed: compressed.clone(),
            });
        }
        Some(compressed)
    }
}

impl Iterator for Pieces {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.variant.gzip { self.compressed() } else { Some(self.text()?.freeze()) }
    }
}

/// The compressed pieces of `masternode_info`. They stay the same from block to block until a label changes, and are a
/// third of a compressed page.
#[derive(Default)]
struct WidePieces(Mutex<Vec<WidePiece>>);

/// A piece that begins and ends at a position of the page.
#[derive(Clone)]
struct WidePiece {
    format: Format,
    start: Cursor,
    end: Cursor,
    /// The text of the piece alone.
    member: Member,
    compressed: Bytes,
}

impl WidePieces {
    fn find(&self, format: Format, start: Cursor) -> Option<WidePiece> {
        let pieces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pieces.iter().find(|piece| (piece.format, piece.start) == (format, start)).cloned()
    }

    fn add(&self, piece: WidePiece) {
        let mut pieces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !pieces.iter().any(|other| (other.format, other.start) == (piece.format, piece.start)) {
            pieces.push(piece);
        }
    }
}
