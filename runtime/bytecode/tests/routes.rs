//! Routes in a module: both of its forms keep them, one without any is the bytes that it was before there were routes, and the
//! verifier refuses what nobody could serve.

use rc_bytecode::builder::{FunctionBuilder, ModuleBuilder};
use rc_bytecode::instr::Scalar;
use rc_bytecode::interface::CommandKind;
use rc_bytecode::layout::Shape;
use rc_bytecode::routes::{Method, PathError, Route, RouteError};
use rc_bytecode::verify::{InterfaceError, Reason};
use rc_bytecode::{Module, compat};

const ITEM: u32 = 0;
const ADD: u32 = 1;
const MANY: u32 = 2;

fn route(command: u32, method: Method, path: &str) -> Route {
    Route {
        command,
        method,
        path: path.into(),
    }
}

fn module(routes: Vec<Route>) -> Module {
    let mut module = ModuleBuilder::new();
    let number = Shape::Scalar(Scalar::U64);
    let list = Shape::List(Box::new(number.clone()), 2);
    for (name, kind, arguments, bytes) in [
        ("item", CommandKind::Query, vec![("id", number.clone())], 8),
        ("add", CommandKind::Command, vec![("id", number)], 8),
        ("many", CommandKind::Query, vec![("ids", list)], 24),
    ] {
        let mut entry = FunctionBuilder::entry(name, bytes, 0);
        entry.give(&[]);
        let entry = module.function(entry.finish());
        module.command(name, kind, &arguments, None, entry);
    }
    module.module.interface.package = "shop".into();
    module.module.interface.routes = routes;
    module.finish()
}

#[test]
fn both_forms_of_a_module_keep_its_routes() {
    let with = module(vec![
        route(ITEM, Method::Get, "/items/{id}"),
        route(ADD, Method::Post, "/items/{id}/more"),
    ]);
    rc_bytecode::verify(with.clone()).expect("routes that can be served");
    let bytes = rc_bytecode::encode(&with);
    assert_eq!(rc_bytecode::decode(&bytes).as_ref(), Ok(&with));
    let text = rc_bytecode::print(&with);
    assert!(
        text.contains("route GET \"/items/{id}\" command=0"),
        "{text}"
    );
    assert_eq!(rc_bytecode::parse(&text).as_ref(), Ok(&with));

    let without = module(Vec::new());
    let fewer = rc_bytecode::encode(&without);
    assert_eq!(rc_bytecode::decode(&fewer).as_ref(), Ok(&without));
    let path = b"/items/{id}";
    let stands = |bytes: &[u8]| bytes.windows(path.len()).any(|part| part == path);
    assert!(stands(&bytes) && !stands(&fewer));

    let added: Vec<String> = compat::compare(&without, &with)
        .iter()
        .map(|change| change.to_string())
        .collect();
    assert_eq!(
        added,
        [
            "+ GET /items/{id} calls query item@1",
            "+ POST /items/{id}/more calls command add@1"
        ]
    );
    let gone = compat::compare(&with, &without);
    assert_eq!(
        gone[0].to_string(),
        "~ GET /items/{id} is no longer served (query item@1 keeps its derived path)"
    );
}

#[test]
fn what_cannot_be_served_is_refused() {
    let get = Method::Get;
    let meets = |route: &str, met: &str| RouteError::Meets {
        route: route.into(),
        met: met.into(),
    };
    let argument = |route: &str, name: &str| RouteError::Argument {
        route: route.into(),
        name: name.into(),
    };
    for (routes, error) in [
        (
            vec![route(9, get, "/a")],
            RouteError::NoCommand("GET /a".into()),
        ),
        (
            vec![route(ADD, get, "/{id}/a")],
            RouteError::Method("GET /{id}/a".into()),
        ),
        (
            vec![route(ITEM, Method::Delete, "/{id}/a")],
            RouteError::Method("DELETE /{id}/a".into()),
        ),
        (
            vec![route(ITEM, get, "a")],
            RouteError::Path {
                route: "GET a".into(),
                reason: PathError::NoSlash,
            },
        ),
        (
            vec![route(ITEM, get, "/a/{x}")],
            argument("GET /a/{x}", "x"),
        ),
        (
            vec![route(MANY, get, "/many")],
            argument("GET /many", "ids"),
        ),
        (
            vec![route(MANY, Method::Post, "/many/{ids}")],
            argument("POST /many/{ids}", "ids"),
        ),
        (
            vec![route(ITEM, get, "/{id}")],
            meets("GET /{id}", "/health"),
        ),
        (
            vec![route(ADD, Method::Post, "/shop/{id}")],
            meets("POST /shop/{id}", "POST /shop/item"),
        ),
        (
            vec![route(ADD, Method::Post, "/shop/many")],
            meets("POST /shop/many", "POST /shop/many"),
        ),
        (
            vec![
                route(ITEM, Method::Post, "/a/{id}/c"),
                route(ADD, Method::Post, "/a/b/{id}"),
            ],
            meets("POST /a/{id}/c", "POST /a/b/{id}"),
        ),
        (
            vec![route(ADD, Method::Put, "/a"), route(ITEM, get, "/a")],
            RouteError::Order,
        ),
        (
            vec![route(ITEM, get, "/a"), route(ITEM, get, "/b")],
            RouteError::Order,
        ),
    ] {
        let refused = rc_bytecode::verify(module(routes.clone())).expect_err("refused");
        assert_eq!(
            refused.reason,
            Reason::Interface(InterfaceError::Route(error)),
            "{routes:?}"
        );
    }
}
