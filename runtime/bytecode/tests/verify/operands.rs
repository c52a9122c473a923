//! What instructions work on: views inside their memory, operands of their types.

use super::*;

#[test]
fn views_stay_in_their_memory() {
    let with = |kind: Type, code: &dyn Fn(Register) -> Instr| {
        refused(|module| {
            let function = &mut module.functions[1];
            let register = reg(function, kind);
            // After constant and touch.
            function.body.insert(2, code(register));
        })
    };
    let whole = Register(2);
    let rows = RegionIndex(0);
    let scalar = |scalar: Scalar| Type::from(scalar);
    let out = |reason: Reason| matches!(reason, Reason::Type(TypeError::OutOfView { .. }));
    assert!(out(with(scalar(Scalar::U64), &|dst| Instr::Load {
        dst,
        view: whole,
        offset: PAGE - 7
    })));
    assert!(out(with(scalar(Scalar::U64), &|dst| Instr::Load {
        dst,
        view: whole,
        offset: u32::MAX
    })));
    assert!(out(with(View::page(rows, 8, false).into(), &|dst| {
        Instr::View {
            dst,
            src: whole,
            offset: PAGE - 7,
        }
    })));
    let at = |base, stride, count| {
        move |dst| Instr::ViewAt {
            dst,
            src: whole,
            index: Register(0),
            base,
            stride,
            count,
        }
    };
    assert!(out(with(
        View::page(rows, 8, false).into(),
        &at(0, 8, 2049)
    )));
    assert!(out(with(
        View::page(rows, 8, false).into(),
        &at(1, 8, 2048)
    )));
    assert!(out(with(
        View::page(rows, 8, false).into(),
        &at(u32::MAX, u32::MAX, u32::MAX)
    )));
    let load = |base, stride, count| {
        move |dst| Instr::LoadAt {
            dst,
            view: whole,
            index: Register(0),
            base,
            stride,
            count,
        }
    };
    assert!(out(with(scalar(Scalar::U8), &load(0, u32::MAX, 2))));
    // A readable page cannot be stored to, nor narrowed to a writable view, nor one of another region.
    let operand = |reason: Reason| matches!(reason, Reason::Type(TypeError::Operand { .. }));
    assert!(operand(with(scalar(Scalar::U64), &|_| Instr::Zero {
        view: whole
    })));
    assert!(operand(with(scalar(Scalar::U64), &|_| Instr::Store {
        view: whole,
        offset: 0,
        src: Register(0)
    })));
    assert!(operand(with(View::page(rows, 8, true).into(), &|dst| {
        Instr::View {
            dst,
            src: whole,
            offset: 0,
        }
    })));
    assert!(operand(with(
        View::page(RegionIndex(1), 8, false).into(),
        &|dst| Instr::View {
            dst,
            src: whole,
            offset: 0
        }
    )));
    assert!(operand(with(View::frame(8, false).into(), &|dst| {
        Instr::View {
            dst,
            src: whole,
            offset: 0,
        }
    })));
    // Regions must be declared, and writable where they are written.
    let touch = |region, access| {
        move |dst| Instr::Touch {
            dst,
            region: RegionIndex(region),
            page: Register(0),
            access,
        }
    };
    let read_only = with(
        View::page(RegionIndex(1), PAGE, true).into(),
        &touch(1, Access::Write),
    );
    assert_eq!(read_only, Reason::Type(TypeError::RegionReadOnly(1)));
    assert!(operand(with(
        View::page(RegionIndex(1), PAGE, false).into(),
        &touch(1, Access::Write)
    )));
    assert!(operand(with(
        View::page(rows, PAGE, true).into(),
        &touch(0, Access::Read)
    )));
    assert!(operand(with(
        View::page(rows, 8, false).into(),
        &touch(0, Access::Read)
    )));
    let unknown = with(
        View::page(RegionIndex(2), PAGE, false).into(),
        &touch(2, Access::Read),
    );
    assert!(matches!(
        unknown,
        Reason::Type(TypeError::NoSuch { what: "region", .. })
    ));
    let longer = with(View::page(rows, PAGE + 1, false).into(), &|dst| {
        Instr::View {
            dst,
            src: whole,
            offset: 0,
        }
    });
    assert!(matches!(
        longer,
        Reason::Type(TypeError::ViewTooLong { .. })
    ));
    // A slot's view would outlive its slot.
    let returned = refused(|module| module.functions[1].results[0] = View::frame(8, true).into());
    assert_eq!(returned, Reason::Type(TypeError::FrameViewReturned));
    assert!(matches!(
        with(scalar(Scalar::U64), &|dst| Instr::MatchByte {
            dst,
            view: whole,
            byte: Register(0)
        }),
        Reason::Type(TypeError::Operand { .. })
    ));
}

#[test]
fn operands_have_their_types() {
    let with = |kinds: &[Scalar], code: &dyn Fn(&[Register]) -> Instr| {
        let mut module = ledger();
        let function = &mut module.functions[1];
        let registers: Vec<Register> = kinds.iter().map(|kind| reg(function, *kind)).collect();
        let mut start: Vec<Instr> = registers
            .iter()
            .map(|dst| Instr::Const { dst: *dst, bits: 0 })
            .collect();
        start.push(code(&registers));
        read_starts_with(&mut module, start);
        verify(certify(module)).is_ok()
    };
    use Scalar::{Bool, F64, I64, U32, U64};
    let binary = |op| {
        move |r: &[Register]| Instr::Binary {
            op,
            dst: r[0],
            left: r[1],
            right: r[2],
        }
    };
    assert!(with(&[U64, U64, U64], &binary(BinaryOp::Add)));
    assert!(!with(&[U64, U64, U32], &binary(BinaryOp::Add)));
    assert!(!with(&[Bool, Bool, Bool], &binary(BinaryOp::Add)));
    assert!(with(&[F64, F64, F64], &binary(BinaryOp::Div)));
    assert!(!with(&[F64, F64, F64], &binary(BinaryOp::Rem)));
    assert!(with(&[Bool, Bool, Bool], &binary(BinaryOp::Xor)));
    assert!(!with(&[F64, F64, F64], &binary(BinaryOp::Xor)));
    let unary = |op| {
        move |r: &[Register]| Instr::Unary {
            op,
            dst: r[0],
            src: r[1],
        }
    };
    assert!(with(&[I64, I64], &unary(UnaryOp::Neg)));
    assert!(!with(&[U64, U64], &unary(UnaryOp::Neg)));
    assert!(!with(&[I64, I64], &unary(UnaryOp::CountOnes)));
    let convert = |mode| {
        move |r: &[Register]| Instr::Convert {
            mode,
            dst: r[0],
            src: r[1],
        }
    };
    assert!(with(&[U64, F64], &convert(ConvertMode::Checked)));
    assert!(!with(&[U64, F64], &convert(ConvertMode::Wrapping)));
    assert!(with(&[U64, Bool], &convert(ConvertMode::Wrapping)));
    assert!(!with(&[Bool, U64], &convert(ConvertMode::Checked)));
    assert!(!with(&[U64], &|r| Instr::If {
        condition: r[0],
        then: vec![],
        otherwise: vec![]
    }));
    assert!(!with(&[U32], &|r| Instr::Const {
        dst: r[0],
        bits: 1 << 32
    }));
    assert!(!with(&[Bool], &|r| Instr::Const { dst: r[0], bits: 2 }));
    assert!(!with(&[F64], &|r| Instr::Const {
        dst: r[0],
        bits: u128::from(f64::INFINITY.to_bits())
    }));
    let switch = |numbers: &'static [u64]| {
        move |r: &[Register]| Instr::Switch {
            value: r[0],
            arms: numbers.iter().map(|number| (*number, vec![])).collect(),
            otherwise: vec![],
        }
    };
    assert!(with(&[U32], &switch(&[0, 1, u32::MAX as u64])));
    assert!(!with(&[U32], &switch(&[0, 1 << 32])));
    assert!(!with(&[U32], &switch(&[1, 1])));
    assert!(!with(&[I64], &switch(&[1])));
    assert!(!with(&[], &|_| Instr::Move {
        dst: Register(99),
        src: Register(0)
    }));
    assert!(!with(&[], &|_| Instr::Fail {
        failure: Failure::Declared {
            error: 0,
            variant: 2
        },
        payload: None
    }));
    assert!(!with(&[], &|_| Instr::Emit {
        event: EventIndex(1),
        view: Register(0)
    }));
    assert!(!with(&[U64], &|r| Instr::Environment {
        value: Environment::Now,
        dst: r[0]
    }));
    assert!(!with(&[Bool], &|r| Instr::Assert {
        condition: r[0],
        assertion: 0,
        left: None,
        right: None
    }));
}
