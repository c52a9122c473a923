//! Bytes of the engine's own regions: the catalog, the session slots, the stored outcomes.
//!
//! A system region is seen as one sparse file; reads and writes may cross pages. These writes are outside of any
//! command's undo scope: they are made after its outcome is known.

use rc_canvas::{Access, Canvas, RegionId, RegionState, TouchError};

/// What is deployed.
pub const CATALOG: RegionId = 0;
/// Session slots and their outcomes.
pub const SESSIONS: RegionId = 1;
/// Outcomes too long for a cell: a ring.
pub const OUTCOMES: RegionId = 2;
/// Never written: what a module that is not live yet reads of regions that are not there yet.
pub const ABSENT: RegionId = 3;
/// The first region that modules get.
pub const FIRST_USER_REGION: RegionId = 16;

/// Makes the system regions where they are missing.
pub fn create_regions(canvas: &mut Canvas) -> Result<(), rc_canvas::RegionError> {
    for region in [CATALOG, SESSIONS, OUTCOMES, ABSENT] {
        if canvas.state(region) == RegionState::Free {
            canvas.create_region(region)?;
        }
    }
    Ok(())
}

/// Reads `into.len()` bytes at `offset`; what was never written reads as zero.
pub fn read(
    canvas: &mut Canvas,
    region: RegionId,
    offset: u64,
    into: &mut [u8],
) -> Result<(), TouchError> {
    let page_bytes = canvas.page_bytes() as u64;
    let mut done = 0;
    while done < into.len() {
        let at = offset + done as u64;
        let within = (at % page_bytes) as usize;
        let length = (into.len() - done).min(page_bytes as usize - within);
        let frame = canvas.touch(region, at / page_bytes, Access::Read)?;
        canvas.read(&frame, within, &mut into[done..done + length]);
        done += length;
    }
    Ok(())
}

/// Writes at `offset`.
pub fn write(
    canvas: &mut Canvas,
    region: RegionId,
    offset: u64,
    from: &[u8],
) -> Result<(), TouchError> {
    let page_bytes = canvas.page_bytes() as u64;
    let mut done = 0;
    while done < from.len() {
        let at = offset + done as u64;
        let within = (at % page_bytes) as usize;
        let length = (from.len() - done).min(page_bytes as usize - within);
        let frame = canvas.touch(region, at / page_bytes, Access::Write)?;
        canvas.write(&frame, within, &from[done..done + length]);
        done += length;
    }
    Ok(())
}

/// A little-endian u64 at `offset`.
pub fn read_u64(canvas: &mut Canvas, region: RegionId, offset: u64) -> Result<u64, TouchError> {
    let mut bytes = [0; 8];
    read(canvas, region, offset, &mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

pub fn write_u64(
    canvas: &mut Canvas,
    region: RegionId,
    offset: u64,
    value: u64,
) -> Result<(), TouchError> {
    write(canvas, region, offset, &value.to_le_bytes())
}
