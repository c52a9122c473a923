//! Where things are: regions, pages, page sizes and 64-bit addresses.
//! An address is `region (16 bits) << 48 | byte offset (48 bits)`. The page size is a power of two between
//! 256 bytes and 64 KiB, chosen when a canvas is made, so the highest page number is `2^(48 - shift) - 1`.

/// The number of a region, 0..65,536.
pub type RegionId = u16;

/// How many regions a canvas can hold.
pub const REGIONS_MAX: usize = 1 << 16;

/// How many low bits of an address are the byte offset within its region.
pub const OFFSET_BITS: u32 = 48;

/// The base-two logarithm of the page size in bytes: 8 (256 B) to 16 (64 KiB).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PageShift(u8);

impl PageShift {
    /// 256 bytes: small pages reach page borders quickly in tests.
    pub const SMALLEST: PageShift = PageShift(8);
    /// 16 KiB: what production uses.
    pub const PRODUCTION: PageShift = PageShift(14);
    /// 64 KiB.
    pub const LARGEST: PageShift = PageShift(16);

    /// `None` outside 8..=16.
    pub const fn new(shift: u8) -> Option<PageShift> {
        if shift >= Self::SMALLEST.0 && shift <= Self::LARGEST.0 {
            Some(PageShift(shift))
        } else {
            None
        }
    }

    /// The shift itself, 8..=16.
    pub const fn bits(self) -> u32 {
        self.0 as u32
    }

    /// Bytes in one page.
    pub const fn page_bytes(self) -> usize {
        1 << self.0
    }

    /// Pages in one region: page numbers are below this.
    pub const fn pages_max(self) -> u64 {
        1 << (OFFSET_BITS - self.0 as u32)
    }
}

impl Default for PageShift {
    fn default() -> Self {
        PageShift::PRODUCTION
    }
}

/// A byte of the canvas.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Address(pub u64);

impl Address {
    /// The address of a byte of a page. Bits of `page` and `offset` beyond the region's 48 are dropped.
    pub const fn new(region: RegionId, page: u64, offset: u64, shift: PageShift) -> Address {
        let within = (page << shift.bits()).wrapping_add(offset) & ((1 << OFFSET_BITS) - 1);
        Address((region as u64) << OFFSET_BITS | within)
    }

    /// The region, the upper 16 bits.
    pub const fn region(self) -> RegionId {
        (self.0 >> OFFSET_BITS) as RegionId
    }

    /// The page within the region.
    pub const fn page(self, shift: PageShift) -> u64 {
        (self.0 & ((1 << OFFSET_BITS) - 1)) >> shift.bits()
    }

    /// The byte within the page.
    pub const fn offset(self, shift: PageShift) -> usize {
        (self.0 & (shift.page_bytes() as u64 - 1)) as usize
    }
}
