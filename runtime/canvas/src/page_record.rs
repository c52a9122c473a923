//! How one page version is stored: its bytes (none for an absent page) and a CRC-32C over its key and its bytes.
//! The key is part of the checksum, so a page that turns up in another's place is as bad as a flipped bit.

use crate::cut::PageImage;
use crate::directory::PageVersion;

const CHECKSUM_BYTES: usize = 4;

/// What is wrong with a stored page version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PageRecordError {
    /// Neither empty nor one page.
    #[error("its length is {bytes} bytes")]
    Length {
        /// The length found, checksum included.
        bytes: usize,
    },
    /// Bytes or key changed since it was written.
    #[error("its checksum does not match")]
    Checksum,
}

fn checksum(version: PageVersion, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&version.key()), bytes)
}

/// The value to store under `version.key()`.
pub fn seal_page(version: PageVersion, image: PageImage<'_>) -> Vec<u8> {
    let bytes = match image {
        PageImage::Bytes(bytes) => bytes,
        PageImage::Absent => &[],
    };
    let mut record = Vec::with_capacity(bytes.len() + CHECKSUM_BYTES);
    record.extend(bytes);
    record.extend(checksum(version, bytes).to_le_bytes());
    record
}

/// Checks and opens what `seal_page` made.
pub fn open_page(
    version: PageVersion,
    record: &[u8],
    page_bytes: usize,
) -> Result<PageImage<'_>, PageRecordError> {
    let wrong_length = PageRecordError::Length {
        bytes: record.len(),
    };
    let (bytes, sum) = record
        .split_last_chunk::<CHECKSUM_BYTES>()
        .ok_or(wrong_length)?;
    if checksum(version, bytes) != u32::from_le_bytes(*sum) {
        return Err(PageRecordError::Checksum);
    }
    match bytes.len() {
        0 => Ok(PageImage::Absent),
        length if length == page_bytes => Ok(PageImage::Bytes(bytes)),
        _ => Err(wrong_length),
    }
}
