//! Little-endian fields and variable-length integers for batches and catalog records.
//! A reader never goes past its end and never allocates more than its input holds.

/// The bytes ended within a field, or a field's value is impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record is cut short or malformed at byte {at}")]
pub struct Truncated {
    pub at: usize,
}

/// Appends fields to a buffer.
pub struct Writer<'a>(pub &'a mut Vec<u8>);

impl Writer<'_> {
    /// Seven bits a byte, low first, the top bit saying that more follow: 1 to 10 bytes.
    pub fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub fn u128(&mut self, value: u128) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Length, then the bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }
}

/// Takes fields off a slice.
pub struct Reader<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(all: &'a [u8]) -> Reader<'a> {
        Reader { all, at: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.at == self.all.len()
    }

    fn error(&self) -> Truncated {
        Truncated { at: self.at }
    }

    pub fn take(&mut self, length: usize) -> Result<&'a [u8], Truncated> {
        let end = self
            .at
            .checked_add(length)
            .filter(|end| *end <= self.all.len())
            .ok_or(self.error())?;
        let taken = &self.all[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Truncated> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub fn u8(&mut self) -> Result<u8, Truncated> {
        Ok(self.array::<1>()?[0])
    }

    pub fn u64(&mut self) -> Result<u64, Truncated> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub fn u128(&mut self) -> Result<u128, Truncated> {
        Ok(u128::from_le_bytes(self.array()?))
    }

    pub fn varint(&mut self) -> Result<u64, Truncated> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let part = u64::from(byte & 0x7f);
            if part << shift >> shift != part {
                return Err(self.error());
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return if byte == 0 && shift > 0 {
                    Err(self.error())
                } else {
                    Ok(value)
                };
            }
        }
        Err(self.error())
    }

    pub fn varint_u32(&mut self) -> Result<u32, Truncated> {
        u32::try_from(self.varint()?).map_err(|_| self.error())
    }

    pub fn bytes(&mut self) -> Result<&'a [u8], Truncated> {
        let length = usize::try_from(self.varint()?).map_err(|_| self.error())?;
        self.take(length)
    }

    pub fn text(&mut self) -> Result<&'a str, Truncated> {
        let at = self.at;
        std::str::from_utf8(self.bytes()?).map_err(|_| Truncated { at })
    }
}
