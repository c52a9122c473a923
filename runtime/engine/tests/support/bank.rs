//! A small bank made by hand: a dense table of 16-byte rows (open at 0, balance at 8), with everything that an
//! interface can have. Its variations are what a second deployment may change. `pay` writes and emits before it fails.
#![allow(dead_code, reason = "each test file uses its part")]

use rc_bytecode::Module;
use rc_bytecode::builder::{FunctionBuilder, ModuleBuilder, record};
use rc_bytecode::instr::{
    Access, BinaryOp, CommandIndex, CompareOp, Environment, EventIndex, Failure, Instr,
    RegionIndex, Register, Scalar, View,
};
use rc_bytecode::interface::{Allow, CommandKind};
use rc_bytecode::layout::{Shape, Sum};

pub const OPEN: u32 = 0;
pub const PAY: u32 = 1;
pub const BALANCE: u32 = 2;
pub const NOTE: u32 = 3;
pub const RESET: u32 = 4;
pub const DICE: u32 = 5;

/// Role bits of the first version.
pub const TELLER: u64 = 1;
pub const ADMIN: u64 = 2;
pub const TEXT_BYTES_MAX: u32 = 200;

pub const U64: Shape = Shape::Scalar(Scalar::U64);

/// `Payment`'s variants.
pub const INSUFFICIENT: u32 = 0;
pub const SAME_ACCOUNT: u32 = 1;

/// What a deployment changes.
#[derive(Clone, Copy)]
pub struct Bank {
    pub package: &'static str,
    /// Taken from the payer beside the amount.
    pub fee: u64,
    /// Roles, errors and commands in another order, with others before them.
    pub shuffled: bool,
    /// `pay` takes a fourth argument.
    pub other_signature: bool,
    pub layout: u64,
    /// Has a second region of this layout.
    pub extra: Option<u64>,
    pub page_shift: u8,
}

pub const BANK: Bank = Bank {
    package: "bank",
    fee: 0,
    shuffled: false,
    other_signature: false,
    layout: 1,
    extra: None,
    page_shift: rc_bytecode::limits::PAGE_SHIFT_DEFAULT,
};

pub fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// `note`'s arguments, packed: text, tags, memo.
pub fn note(text: &str, tags: &[u32], memo: Option<&str>) -> Vec<u8> {
    let mut out = (text.len() as u16).to_le_bytes().to_vec();
    out.extend(text.as_bytes());
    out.extend((tags.len() as u32).to_le_bytes());
    tags.iter().for_each(|tag| out.extend(tag.to_le_bytes()));
    out.push(u8::from(memo.is_some()));
    if let Some(memo) = memo {
        out.extend((memo.len() as u16).to_le_bytes());
        out.extend(memo.as_bytes());
    }
    out
}

pub fn packed_text(text: &str) -> Vec<u8> {
    let mut out = (text.len() as u16).to_le_bytes().to_vec();
    out.extend(text.as_bytes());
    out
}

fn row(f: &mut FunctionBuilder, id: Register, access: Access, page_bytes: u32) -> Register {
    let per_page = f.constant(Scalar::U64, u128::from(page_bytes / 16));
    let number = f.binary(BinaryOp::Div, id, per_page);
    let index = f.binary(BinaryOp::Rem, id, per_page);
    let page = f.touch(RegionIndex(0), number, access, page_bytes);
    let dst = f.reg(View::page(RegionIndex(0), 16, access == Access::Write));
    f.emit(Instr::ViewAt {
        dst,
        src: page,
        index,
        base: 0,
        stride: 16,
        count: page_bytes / 16,
    });
    dst
}

impl Bank {
    pub fn module(self) -> Module {
        let page_bytes = 1 << self.page_shift;
        let mut module = ModuleBuilder::new();
        module.module.page_shift = self.page_shift;
        module.region("Account/rows@1", true, 1 << 20);
        module.module.regions[0].layout_hash = self.layout;
        if let Some(layout) = self.extra {
            module.region("Extra/rows@1", true, 16);
            module.module.regions[1].layout_hash = layout;
        }
        let interface = &mut module.module.interface;
        interface.package = self.package.into();
        interface.roles = vec!["teller".into(), "admin".into()];
        let payment = Sum {
            name: "Payment".into(),
            variants: vec![
                record("Insufficient", &[("needed", U64), ("available", U64)]),
                record("SameAccount", &[]),
            ],
        };
        interface.errors = vec![payment];
        if self.shuffled {
            interface.roles = vec![
                "auditor".into(),
                "admin".into(),
                "owner".into(),
                "teller".into(),
            ];
            interface.roles.swap(0, 1);
            interface.errors.insert(
                0,
                Sum {
                    name: "Other".into(),
                    variants: vec![record("Odd", &[])],
                },
            );
        }
        let error = u32::from(self.shuffled);
        module.event("Paid", &[("from", U64), ("to", U64), ("amount", U64)]);

        let mut f = FunctionBuilder::entry("open", 16, 0);
        let [id, balance] = [0, 8].map(|offset| f.load(Register(0), offset, Scalar::U64));
        let account = row(&mut f, id, Access::Write, page_bytes);
        let one = f.constant(Scalar::U64, 1);
        f.store(account, 0, one);
        f.store(account, 8, balance);
        f.give(&[]);
        let open = module.function(f.finish());

        let mut f = FunctionBuilder::entry("pay", if self.other_signature { 32 } else { 24 }, 8);
        let [from, to, amount] = [0, 8, 16].map(|offset| f.load(Register(0), offset, Scalar::U64));
        let payer = row(&mut f, from, Access::Write, page_bytes);
        let had = f.load(payer, 8, Scalar::U64);
        let fee = f.constant(Scalar::U64, u128::from(self.fee));
        let price = f.binary(BinaryOp::Add, amount, fee);
        let left = f.binary(BinaryOp::WrappingSub, had, price);
        f.store(payer, 8, left);
        let payee = row(&mut f, to, Access::Write, page_bytes);
        let before = f.load(payee, 8, Scalar::U64);
        let after = f.binary(BinaryOp::WrappingAdd, before, amount);
        f.store(payee, 8, after);
        let paid = f.slot(24);
        for (offset, value) in [(0, from), (8, to), (16, amount)] {
            f.store(paid, offset, value);
        }
        f.emit(Instr::Emit {
            event: EventIndex(0),
            view: paid,
        });
        let same = f.compare(CompareOp::Equal, from, to);
        let failure = Failure::Declared {
            error,
            variant: SAME_ACCOUNT,
        };
        f.branch(
            same,
            |f| {
                f.emit(Instr::Fail {
                    failure,
                    payload: None,
                })
            },
            |_| {},
        );
        let short = f.compare(CompareOp::Less, had, price);
        let failure = Failure::Declared {
            error,
            variant: INSUFFICIENT,
        };
        let payload = f.slot(16);
        f.branch(
            short,
            |f| {
                f.store(payload, 0, price);
                f.store(payload, 8, had);
                f.emit(Instr::Fail {
                    failure,
                    payload: Some(payload),
                });
            },
            |_| {},
        );
        f.store(Register(1), 0, left);
        f.give(&[]);
        let pay = module.function(f.finish());

        let mut f = FunctionBuilder::entry("balance", 8, 8);
        let id = f.load(Register(0), 0, Scalar::U64);
        let account = row(&mut f, id, Access::Read, page_bytes);
        let balance = f.load(account, 8, Scalar::U64);
        f.store(Register(1), 0, balance);
        f.give(&[]);
        let balance = module.function(f.finish());

        let text = Shape::String(TEXT_BYTES_MAX);
        let arguments = [
            ("text", text.clone()),
            ("tags", Shape::List(Box::new(Shape::Scalar(Scalar::U32)), 4)),
            ("memo", Shape::Optional(Box::new(Shape::String(8)))),
        ];
        let shapes = &module.module.interface.shapes;
        let text_bytes = shapes.extent(&text).size;
        let (extent, offsets) = shapes.record_extent(arguments.iter().map(|(_, shape)| shape));
        assert_eq!(offsets[0], 0);
        let mut f = FunctionBuilder::entry("note", extent.size, text_bytes);
        let given = f.narrow(Register(0), 0, text_bytes);
        f.emit(Instr::Copy {
            dst: Register(1),
            src: given,
        });
        f.give(&[]);
        let echo = module.function(f.finish());

        let mut f = FunctionBuilder::entry("reset", 8, 0);
        let id = f.load(Register(0), 0, Scalar::U64);
        let account = row(&mut f, id, Access::Write, page_bytes);
        let zero = f.constant(Scalar::U64, 0);
        f.store(account, 8, zero);
        f.give(&[]);
        let reset = module.function(f.finish());

        let mut f = FunctionBuilder::entry("dice", 0, 32);
        let values = [
            Environment::Random,
            Environment::Random,
            Environment::OpNumber,
            Environment::CallerId,
        ];
        for (value, offset) in values.into_iter().zip((0..).step_by(8)) {
            let dst = f.reg(Scalar::U64);
            f.emit(Instr::Environment { value, dst });
            f.store(Register(1), offset, dst);
        }
        f.give(&[]);
        let dice = module.function(f.finish());

        let age = Shape::Tuple(vec![Shape::String(3), Shape::Scalar(Scalar::I64)]);
        let sorted = [
            ("tags", Shape::Set(Box::new(Shape::Scalar(Scalar::U32)), 4)),
            ("ages", Shape::Map(Box::new(age), 3)),
        ];
        let shapes = &module.module.interface.shapes;
        let bytes = shapes
            .record_extent(sorted.iter().map(|(_, shape)| shape))
            .0;
        let mut f = FunctionBuilder::entry("sorted", bytes.size, bytes.size);
        f.emit(Instr::Copy {
            dst: Register(1),
            src: Register(0),
        });
        f.give(&[]);
        let echo_sorted = module.function(f.finish());

        let mut pays = vec![("from", U64), ("to", U64), ("amount", U64)];
        if self.other_signature {
            pays.push(("reason", U64));
        }
        let command = CommandKind::Command;
        if self.shuffled {
            module.command(
                "first",
                command,
                &[("id", U64), ("balance", U64)],
                None,
                open,
            );
        }
        module.command(
            "open",
            command,
            &[("id", U64), ("balance", U64)],
            None,
            open,
        );
        module.command("pay", command, &pays, Some(U64), pay);
        module.command(
            "balance",
            CommandKind::Query,
            &[("id", U64)],
            Some(U64),
            balance,
        );
        module.command("note", command, &arguments, Some(text), echo);
        let CommandIndex(reset) = module.command("reset", command, &[("id", U64)], None, reset);
        module.command("dice", command, &[], Some(Shape::Tuple(vec![U64; 4])), dice);
        let result = Shape::Tuple(sorted.iter().map(|(_, shape)| shape.clone()).collect());
        let query = CommandKind::Query;
        module.command("sorted", query, &sorted, Some(result), echo_sorted);
        for command in &mut module.module.interface.commands {
            command.fails = if command.name == "pay" {
                vec![error]
            } else {
                vec![]
            };
        }
        let admin = module
            .module
            .interface
            .roles
            .iter()
            .position(|role| role == "admin")
            .unwrap();
        module.module.interface.commands[reset as usize].allow = Allow::Roles(1 << admin);
        module.finish()
    }

    pub fn encoded(self) -> Vec<u8> {
        rc_bytecode::encode(&self.module())
    }
}
