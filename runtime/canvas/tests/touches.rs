//! What a touch allows and what it costs: region states, ends of the address space, bounds of memory, stale handles.

use rc_canvas::*;

fn canvas(shift: PageShift) -> Canvas {
    let mut canvas = Canvas::new(CanvasOptions::new(shift)).expect("address space");
    canvas.create_region(0).expect("free");
    canvas
}

#[test]
fn both_ends_of_a_region_work_at_every_page_size() {
    for bits in 8..=16 {
        let shift = PageShift::new(bits).expect("in range");
        let mut canvas = canvas(shift);
        canvas.create_region(u16::MAX).expect("free");
        let last = shift.pages_max() - 1;
        for (region, page) in [(0, 0), (0, last), (u16::MAX, 0), (u16::MAX, last)] {
            let frame = canvas.touch(region, page, Access::Write).expect("writable");
            canvas.write(&frame, shift.page_bytes() - 4, &[1, 2, 3, 4]);
            let mut back = [0; 4];
            canvas.read(&frame, shift.page_bytes() - 4, &mut back);
            assert_eq!(back, [1, 2, 3, 4]);
            let pointer = canvas
                .touch_pointer(region, page, Access::Write)
                .expect("writable");
            assert_eq!(
                pointer.addr() % shift.page_bytes(),
                0,
                "aligned to its size"
            );
            let address = Address::new(region, page, 5, shift);
            assert_eq!(
                (address.region(), address.page(shift), address.offset(shift)),
                (region, page, 5)
            );
        }
        let beyond = TouchError::PageOutOfRange {
            region: 0,
            page: last + 1,
        };
        assert_eq!(canvas.touch(0, last + 1, Access::Write).err(), Some(beyond));
        assert_eq!(
            canvas.touch(0, u64::MAX, Access::Read).err(),
            Some(TouchError::PageOutOfRange {
                region: 0,
                page: u64::MAX
            })
        );
        assert_eq!(
            canvas
                .pages()
                .map(|(region, page, _)| (region, page))
                .collect::<Vec<_>>(),
            [(0, 0), (0, last), (u16::MAX, 0), (u16::MAX, last)]
        );
    }
    assert_eq!((PageShift::new(7), PageShift::new(17)), (None, None));
}

#[test]
fn compiled_code_sees_nothing_of_a_closed_region() {
    let mut canvas = canvas(PageShift::SMALLEST);
    canvas.touch(0, 0, Access::Write).expect("writable");
    let entries = canvas.region_entries_ptr();
    // SAFETY: the array has an entry per region, and no method runs while it is read.
    let seen = |region: usize| unsafe {
        (
            (*entries.add(region)).reserved_pages,
            (*entries.add(region)).state,
        )
    };
    // SAFETY: as above, and page 0 is within the flat table.
    let flags = || unsafe { *(*entries).table & !ENTRY_FRAME_MASK };
    assert_eq!((seen(0).0 > 0, seen(0).1), (true, 1));
    assert_eq!(flags(), ENTRY_WRITABLE | ENTRY_DIRTY);
    canvas.set_state(0, RegionState::ReadOnly).expect("exists");
    assert_eq!((seen(0).0 > 0, seen(0).1, flags()), (true, 2, ENTRY_DIRTY));
    canvas
        .set_state(0, RegionState::Inaccessible)
        .expect("exists");
    assert_eq!(seen(0), (0, 3));
    canvas.set_state(0, RegionState::Free).expect("exists");
    assert_eq!((seen(0), seen(1), seen(65_535)), ((0, 0), (0, 0), (0, 0)));
    assert_eq!(
        canvas.region_entries_ptr(),
        entries,
        "the array stays in place"
    );
}

#[test]
fn reading_absent_pages_costs_no_frames_in_the_end() {
    let mut canvas = canvas(PageShift::SMALLEST);
    let first = canvas.touch_pointer(0, 99, Access::Read).expect("readable");
    canvas.end_command();
    for page in 0..100_000 {
        let frame = canvas.touch(0, page << 20, Access::Read).expect("readable");
        assert!(canvas.bytes(&frame).iter().all(|byte| *byte == 0));
        canvas.end_command();
    }
    assert_eq!(
        canvas.touch_pointer(0, 7, Access::Read),
        Ok(first),
        "the same frame serves them all"
    );
    assert_eq!(
        (
            canvas.counters().resident_pages,
            canvas.counters().dirty_pages
        ),
        (0, 0)
    );
    assert_eq!(canvas.pages().count(), 0);
}

#[test]
fn memory_is_bounded() {
    let options = CanvasOptions {
        memory_bytes_max: 10 * 256,
        ..CanvasOptions::new(PageShift::SMALLEST)
    };
    let mut canvas = Canvas::new(options).expect("address space");
    canvas.create_region(0).expect("free");
    for page in 0..10 {
        canvas
            .touch(0, page, Access::Write)
            .expect("within the bound");
    }
    assert_eq!(
        canvas.touch(0, 10, Access::Write).err(),
        Some(TouchError::OutOfMemory)
    );
    canvas.touch(0, 3, Access::Write).expect("already there");
    canvas
        .touch(0, 10, Access::Read)
        .expect("an absent page needs no memory");
    canvas.set_state(0, RegionState::Free).expect("exists");
    canvas.create_region(0).expect("free");
    let frame = canvas.touch(0, 10, Access::Write).expect("room again");
    assert!(
        canvas.bytes(&frame).iter().all(|byte| *byte == 0),
        "a frame used before is zeroed"
    );
}

#[test]
#[should_panic(expected = "touched for reading")]
fn a_read_handle_does_not_write() {
    let mut canvas = canvas(PageShift::SMALLEST);
    let frame = canvas.touch(0, 0, Access::Read).expect("readable");
    canvas.bytes_mut(&frame);
}

#[test]
#[should_panic(expected = "after its command ended")]
fn a_handle_ends_with_the_cut() {
    let mut canvas = canvas(PageShift::SMALLEST);
    let frame = canvas.touch(0, 0, Access::Write).expect("writable");
    let _cut = canvas
        .begin_checkpoint(CheckpointStamp::default())
        .expect("none runs");
    canvas.bytes_mut(&frame);
}

#[test]
#[should_panic(expected = "after its command ended")]
fn a_handle_of_another_canvas_is_refused() {
    let mut one = canvas(PageShift::SMALLEST);
    let frame = one.touch(0, 0, Access::Write).expect("writable");
    canvas(PageShift::SMALLEST).bytes_mut(&frame);
}

#[test]
fn a_cut_outlives_its_canvas() {
    let mut canvas = canvas(PageShift::SMALLEST);
    let frame = canvas.touch(0, 4, Access::Write).expect("writable");
    canvas.bytes_mut(&frame).fill(9);
    let mut cut = canvas
        .begin_checkpoint(CheckpointStamp::default())
        .expect("none runs");
    drop(canvas);
    let page = cut.next_page().expect("one page");
    assert_eq!(
        (page.region, page.page, page.image),
        (0, 4, PageImage::Bytes(&[9; 256]))
    );
    assert!(cut.next_page().is_none());
}

#[test]
fn the_digest_tells_contents_apart() {
    let digest_of = |puts: &[(u64, usize, u8)]| {
        let mut canvas = canvas(PageShift::SMALLEST);
        for (page, offset, byte) in puts {
            let frame = canvas.touch(0, *page, Access::Write).expect("writable");
            canvas.write(&frame, *offset, &[*byte]);
        }
        canvas.digest_pages()
    };
    assert_eq!(
        digest_of(&[(3, 0, 1), (9, 7, 2)]),
        digest_of(&[(9, 7, 2), (3, 0, 1), (5, 5, 0)])
    );
    let mut seen = std::collections::BTreeSet::new();
    for page in 0..4 {
        for offset in 0..256 {
            for bit in 0..8 {
                assert!(
                    seen.insert(digest_of(&[(page, offset, 1 << bit)])),
                    "page {page}, byte {offset}, bit {bit}"
                );
            }
        }
    }
}
