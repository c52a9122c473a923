//! Memory: pages touched again and again, so that many views are of the same one, arrays with dynamic indices,
//! stores, and bulk moves that overlap.

use super::Random;
use super::code::{Code, SCALARS};
use crate::instr::*;

impl Code<'_> {
    pub(super) fn some_slot(&mut self) {
        let length = self.random.pick(&[1, 8, 24, 64, 100, 256]);
        let dst = self.builder.slot(length);
        self.views.push((dst, View::frame(length, true)));
    }

    /// Whole pages, few of them, so that many views are of the same one.
    pub(super) fn touched(&mut self, region: RegionIndex, access: Access) -> Register {
        let capacity = self.module.regions[usize::from(region.0)].pages_max;
        let page = if self.random.percent(self.risk) {
            self.scalar(Scalar::U64)
        } else {
            let page = self.random.below(capacity);
            self.fixed(Scalar::U64, u128::from(page))
        };
        let length = 1 << self.module.page_shift;
        let dst = self.builder.touch(region, page, access, length);
        self.views
            .push((dst, View::page(region, length, access == Access::Write)));
        dst
    }

    pub(super) fn some_touch(&mut self) {
        let region = self.random.below(self.module.regions.len() as u64) as u16;
        let writable = self.module.regions[usize::from(region)].writable && !self.read_only;
        let access = if writable && self.random.percent(70) {
            Access::Write
        } else {
            Access::Read
        };
        self.touched(RegionIndex(region), access);
    }

    /// An index that is most often below `count`.
    pub(super) fn index(&mut self, count: u32) -> Register {
        if count == 0 || self.random.percent(self.risk / 2) {
            return self.scalar(Scalar::U64);
        }
        if self.random.percent(50) {
            let index = self.random.below(u64::from(count));
            return self.fixed(Scalar::U64, u128::from(index));
        }
        let (left, right) = (
            self.scalar(Scalar::U64),
            self.fixed(Scalar::U64, u128::from(count)),
        );
        let dst = self.builder.binary(BinaryOp::Rem, left, right);
        self.scalars.push((dst, Scalar::U64));
        dst
    }

    /// Base, stride and count of an array of elements of `length` bytes within `within`; nothing where none fits.
    pub(super) fn array(&mut self, within: u32, length: u32) -> Option<(u32, u32, u32)> {
        let room = within.checked_sub(length)?;
        let base = self.random.below(u64::from(room.min(16)) + 1) as u32;
        let stride = self.random.pick(&[length, length, length + 3, 1, 0]);
        // With a stride of 0 all elements lie on each other.
        let most = (room - base).checked_div(stride).map_or(5, |most| most + 1);
        Some((
            base,
            stride,
            1 + self.random.below(u64::from(most.min(20))) as u32,
        ))
    }

    /// A view that is there, at least `length` bytes.
    pub(super) fn there(&mut self, length: u32, writable: bool) -> Option<(Register, View)> {
        let fit =
            |(_, view): &&(Register, View)| view.length >= length && (view.writable || !writable);
        let there: Vec<(Register, View)> = self.views.iter().filter(fit).copied().collect();
        if there.is_empty() {
            None
        } else {
            Some(self.random.pick(&there))
        }
    }

    /// A view of a type: a part of one that is there, or of a new slot or page.
    pub(super) fn view(&mut self, wanted: View) -> Register {
        let fit = |(_, view): &&(Register, View)| {
            view.space == wanted.space
                && view.length >= wanted.length
                && (view.writable || !wanted.writable)
        };
        let there: Vec<(Register, View)> = self.views.iter().filter(fit).copied().collect();
        let (src, length) = if !there.is_empty() && self.random.percent(85) {
            let (register, view) = self.random.pick(&there);
            (register, view.length)
        } else {
            match wanted.space {
                Space::Frame => (self.builder.slot(wanted.length), wanted.length),
                Space::Page(region) => {
                    let access = if wanted.writable {
                        Access::Write
                    } else {
                        Access::Read
                    };
                    (self.touched(region, access), 1 << self.module.page_shift)
                }
            }
        };
        let dst = self.builder.reg(wanted);
        let offset = self.random.below(u64::from(length - wanted.length) + 1) as u32;
        self.builder.emit(Instr::View { dst, src, offset });
        self.views.push((dst, wanted));
        dst
    }

    pub(super) fn narrow(&mut self) {
        let length = self.random.pick(&[1, 8, 16, 24, 64]);
        let Some((src, view)) = self.there(length, false) else {
            return self.some_slot();
        };
        let narrowed = View {
            length,
            writable: view.writable && self.random.percent(85),
            ..view
        };
        let dst = self.builder.reg(narrowed);
        match self
            .array(view.length, length)
            .filter(|_| self.random.percent(60))
        {
            Some((base, stride, count)) => {
                let index = self.index(count);
                self.builder.emit(Instr::ViewAt {
                    dst,
                    src,
                    index,
                    base,
                    stride,
                    count,
                });
            }
            None => {
                let offset = self.random.below(u64::from(view.length - length) + 1) as u32;
                self.builder.emit(Instr::View { dst, src, offset });
            }
        }
        self.views.push((dst, narrowed));
    }

    pub(super) fn load(&mut self) {
        let kind = self.random.pick(&SCALARS);
        if kind == Scalar::F64 && !self.options.any_floats {
            // A float that is known to be one: stored just before.
            let (src, view) = (self.scalar(Scalar::F64), self.builder.slot(8));
            self.builder.store(view, 0, src);
            let dst = self.builder.load(view, 0, Scalar::F64);
            return self.known(dst, Scalar::F64);
        }
        let Some((register, view)) = self.there(kind.size(), false) else {
            return self.some_slot();
        };
        match self
            .array(view.length, kind.size())
            .filter(|_| self.random.percent(50))
        {
            Some((base, stride, count)) => {
                let index = self.index(count);
                let dst = self.target(kind);
                self.builder.emit(Instr::LoadAt {
                    dst,
                    view: register,
                    index,
                    base,
                    stride,
                    count,
                });
                self.known(dst, kind);
            }
            None => {
                let offset = self.random.below(u64::from(view.length - kind.size()) + 1) as u32;
                let dst = self.target(kind);
                self.builder.emit(Instr::Load {
                    dst,
                    view: register,
                    offset,
                });
                self.known(dst, kind);
            }
        }
    }

    pub(super) fn store(&mut self) {
        let kind = self.random.pick(&SCALARS);
        let Some((register, view)) = self.there(kind.size(), true) else {
            return self.some_slot();
        };
        let src = self.scalar(kind);
        match self
            .array(view.length, kind.size())
            .filter(|_| self.random.percent(50))
        {
            Some((base, stride, count)) => {
                let index = self.index(count);
                self.builder.emit(Instr::StoreAt {
                    view: register,
                    index,
                    base,
                    stride,
                    count,
                    src,
                });
            }
            None => {
                let offset = self.random.below(u64::from(view.length - kind.size()) + 1) as u32;
                self.builder.store(register, offset, src);
            }
        }
    }

    pub(super) fn bulk(&mut self) {
        let Some((register, view)) = self.there(1, true) else {
            return self.some_slot();
        };
        match self.random.below(3) {
            0 => self.builder.emit(Instr::Zero { view: register }),
            1 => {
                let Some((src, _)) = self.there(1, false) else {
                    return;
                };
                self.builder.emit(Instr::Copy { dst: register, src });
            }
            _ => {
                let stride = self.random.pick(&[1, 1, 3, 8]).min(view.length);
                let base = self.random.below(u64::from(view.length - stride) + 1) as u32;
                let count = (view.length - base) / stride;
                let part =
                    |random: &mut Random, of: u32| u128::from(random.below(u64::from(of) + 1));
                let (length, from, to) = if self.random.percent(self.risk) {
                    (
                        self.scalar(Scalar::U64),
                        self.scalar(Scalar::U64),
                        self.scalar(Scalar::U64),
                    )
                } else {
                    let length = part(self.random, count);
                    let rest = count - length as u32;
                    let (from, to) = (part(self.random, rest), part(self.random, rest));
                    (
                        self.fixed(Scalar::U64, length),
                        self.fixed(Scalar::U64, from),
                        self.fixed(Scalar::U64, to),
                    )
                };
                self.builder.emit(Instr::MoveWithin {
                    view: register,
                    base,
                    stride,
                    count,
                    from,
                    to,
                    length,
                });
            }
        }
    }

    pub(super) fn sha256(&mut self) {
        let mut view = self.some_view();
        view.writable = false;
        let source = self.view(view);
        let dst = self.view(View {
            space: Space::Frame,
            length: 32,
            writable: true,
        });
        let length = if self.random.percent(self.risk) {
            self.scalar(Scalar::U64)
        } else {
            let length = self.random.below(u64::from(view.length) + 1);
            self.fixed(Scalar::U64, length.into())
        };
        self.builder.emit(Instr::Sha256 {
            dst,
            view: source,
            length,
        });
    }

    pub(super) fn compare_bytes(&mut self) {
        let mut view = self.some_view();
        view.writable = false;
        let (left, right) = (self.view(view), {
            let mut other = self.some_view();
            other.writable = false;
            other.length = view.length;
            self.view(other)
        });
        let kind = match self.random.below(4) {
            0 => Scalar::I64,
            1 => Scalar::Bool,
            _ => Scalar::U64,
        };
        let dst = self.target(kind);
        match kind {
            Scalar::I64 => self.builder.emit(Instr::CompareBytes { dst, left, right }),
            Scalar::Bool => self.builder.emit(Instr::EqualBytes { dst, left, right }),
            _ if self.random.percent(50) => {
                let seed = self.scalar(Scalar::U64);
                self.builder.emit(Instr::Hash {
                    dst,
                    view: left,
                    seed,
                });
            }
            _ => {
                let byte = self.scalar(Scalar::U8);
                self.builder.emit(Instr::MatchByte {
                    dst,
                    view: left,
                    byte,
                });
            }
        }
        self.known(dst, kind);
    }
}
