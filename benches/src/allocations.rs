//! A counting allocator: the number of allocations of a piece of code, and its heap growth.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator with counters.
pub struct Counting;

fn grow(bytes: usize) {
    ALLOCATIONS.fetch_add(1, Relaxed);
    PEAK.fetch_max(LIVE.fetch_add(bytes, Relaxed) + bytes, Relaxed);
}

// SAFETY: every call is passed to the system's allocator unchanged; the counters do not touch the memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // The old and the new block may exist at the same time, so both count.
        grow(size);
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Heap use of a piece of code.
#[derive(Clone, Copy, Debug)]
pub struct Heap {
    /// Allocations made.
    pub allocations: usize,
    /// Peak heap size minus the size before.
    pub peak_growth_bytes: usize,
}

/// Runs `work` and returns its heap use. Only valid if [`Counting`] is the global allocator and nothing else runs.
pub fn measure<T>(work: impl FnOnce() -> T) -> (T, Heap) {
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    let allocations = ALLOCATIONS.load(Relaxed);
    let result = work();
    let heap = Heap {
        allocations: ALLOCATIONS.load(Relaxed) - allocations,
        peak_growth_bytes: PEAK.load(Relaxed).saturating_sub(before),
    };
    (result, heap)
}
