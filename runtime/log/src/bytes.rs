//! Little-endian fields in fixed places of a byte slice. Reading never panics: a field outside the slice is `None`.

pub(crate) fn put_u32(into: &mut [u8], at: usize, value: u32) {
    into[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

pub(crate) fn put_u64(into: &mut [u8], at: usize, value: u64) {
    into[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

pub(crate) fn get_u32(from: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*from.get(at..)?.first_chunk()?))
}

pub(crate) fn get_u64(from: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*from.get(at..)?.first_chunk()?))
}
