//! What a module says of itself to the outside: commands that fit their code, shapes that end.

use super::*;

#[test]
fn the_interface_fits_the_code() {
    let signature = |reason| {
        matches!(
            reason,
            Reason::Interface(InterfaceError::EntrySignature { .. })
        )
    };
    assert!(signature(refused(
        |module| module.interface.commands[0].entry = FunctionIndex(2)
    )));
    assert!(signature(refused(|module| module.interface.commands[1]
        .result =
        Some(Shape::Tuple(vec![U64, U64])))));
    let no_entry = refused(|module| module.interface.commands[0].entry = FunctionIndex(3));
    assert_eq!(no_entry, Reason::Interface(InterfaceError::NoEntry(3)));
    let writes = refused(|module| module.interface.commands[0].kind = CommandKind::Query);
    assert_eq!(writes, Reason::Interface(InterfaceError::QueryChanges));
    let undeclared = refused(|module| module.interface.commands[0].fails.clear());
    assert_eq!(
        undeclared,
        Reason::Interface(InterfaceError::UndeclaredError(0))
    );
    assert_eq!(
        refused(|module| module.interface.commands[1].fails = vec![1]),
        Reason::Interface(InterfaceError::NoSuchError(1))
    );
    let role = refused(|module| module.interface.commands[0].allow = Allow::Roles(1));
    assert_eq!(role, Reason::Interface(InterfaceError::NoSuchRole));
    let mut module = ledger();
    module.interface.roles = (0..64).map(|role| format!("role{role}")).collect();
    module.interface.commands[0].allow = Allow::Roles(u64::MAX);
    verify(certify(module)).unwrap();
    let taken = refused(|module| module.interface.commands[1].name = "pay".into());
    assert!(matches!(
        taken,
        Reason::Interface(InterfaceError::NameTaken(_))
    ));
}

#[test]
fn shapes_are_finite() {
    let with = |shape: Shape| {
        refused(|module| {
            module
                .interface
                .shapes
                .structs
                .push(record("Node", &[("next", shape)]));
        })
    };
    let itself = Reason::Shape(ShapeError::ContainsItself);
    assert_eq!(with(Shape::Struct(0)), itself);
    assert_eq!(
        with(Shape::Optional(Box::new(Shape::List(
            Box::new(Shape::Struct(0)),
            0
        )))),
        itself
    );
    assert_eq!(
        with(Shape::Struct(1)),
        Reason::Shape(ShapeError::NoStruct(1))
    );
    assert_eq!(with(Shape::Enum(0)), Reason::Shape(ShapeError::NoEnum(0)));
    // Doubling sizes, and doubling counts of parts without size, are both refused without being walked.
    for leaf in [U64, Shape::Tuple(vec![])] {
        let reason = refused(|module| {
            for level in 0..31 {
                let below = if level == 0 {
                    leaf.clone()
                } else {
                    Shape::Struct(level - 1)
                };
                module.interface.shapes.structs.push(record(
                    &format!("S{level}"),
                    &[("left", below.clone()), ("right", below)],
                ));
            }
        });
        assert!(
            matches!(
                reason,
                Reason::Shape(ShapeError::Limit(_) | ShapeError::TooDeep)
            ),
            "{reason}"
        );
    }
    let large = refused(|module| {
        module.event("Large", Shape::Bytes(1 << 20));
    });
    assert!(matches!(large, Reason::Shape(ShapeError::Limit(_))));
}
