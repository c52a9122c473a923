//! `rcc doc`: what is declared stands on the page, and what a source says stays text.

use crate::running::rcc_in;
use std::fs;

#[test]
fn the_page_says_what_the_package_declares_and_runs_nothing_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "//! All <b>about</b> `shops`.\npackage shop\n\nrole boss\n\nenum Form {\n    Dot\n    Round(u32)\n}\n\n\
                error Stock { Missing(sku: u64) }\n\nevent Sold { sku: u64 }\n\ntable Item {\n    key sku: u64 ordered\n    \
                /// <script>alert(1)</script>\n    form: Form\n    index by_form(sku)\n    invariant sku < 10 && sku > 0\n}\n\n\
                state sold: u64\n\naggregate items = count(Item)\n\ninvariant sold < 100\n\n/// Sells & tells.\n\
                command sell(sku: u64) -> Form fails Stock allow boss {\n    let item = Item.get(sku) else fail Missing(sku)\n    \
                sold += 1\n    emit Sold { sku }\n    item.form\n}\n\n@http(GET \"/sold\")\nquery sell_count() -> u64 allow anyone { sold }\n";
    fs::write(folder.path().join("shop.rc"), text).expect("a writable folder");
    let ran = rcc_in(folder.path(), &["doc", ".", "--out", "page.html"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let page = fs::read_to_string(folder.path().join("page.html")).expect("the page");
    let wanted = [
        "<title>shop</title>",
        "All &lt;b&gt;about&lt;/b&gt; <code>shops</code>.",
        "sell(sku: u64) -&gt; Form",
        "<p>Sells &amp; tells.</p>",
        "POST /shop/sell",
        "GET /sold",
        "<th>fails<td><code>Stock</code>",
        "<th>allow<td><code>boss</code>",
        "event bytes: 8",
        "sell_count() -&gt; u64",
        "<td>key, ordered<td>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "index by_form(sku)",
        "invariant sku &lt; 10 &amp;&amp; sku &gt; 0",
        "sold: u64",
        "aggregate items = count(Item)",
        "<code>Round(u32)</code>",
        "<code>Missing(sku: u64)</code>",
        "event Sold",
    ];
    for text in wanted {
        assert!(page.contains(text), "{text} is not in\n{page}");
    }
    assert!(!page.contains("<script"), "no text of a source runs");
}
