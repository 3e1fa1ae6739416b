//! The frame of every page, the Now page, the recipes and the files that pages load.

use crate::house::{Built, HOSTILE, hostile, plain};
use crate::http::{Server, ask, get};

/// The address in the first attribute `name` that has `part` in it.
fn address<'p>(page: &'p str, name: &str, part: &str) -> &'p str {
    let start = format!("{name}=\"");
    let mut values = page.split(&start).skip(1).map(|rest| rest.split('"').next().unwrap());
    values.find(|value| value.contains(part)).unwrap_or_else(|| panic!("no {name} with {part}"))
}

#[test]
fn an_empty_site_says_how_to_begin() {
    let built = Built::with(Vec::new());
    let server = Server::start(built.router());
    let page = get(&server, "/");
    let text = page.text();
    assert_eq!(page.status, 200);
    for words in
        ["Nothing has been heard yet", "How to begin", "/help/mirror", "ward doctor", "no sign-in yet"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn now_says_what_needs_somebody_and_that_nothing_was_heard() {
    let built = Built::with(vec![plain(1), hostile(2)]);
    let server = Server::start(built.router());
    let page = get(&server, "/");
    let text = page.text();
    for words in [
        "2 devices seen",
        "not reviewed",
        "in no zone",
        "could not be checked",
        "no sensor has told anything",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("Capture is complete."), "silence is not clean: {text}");
    assert!(!text.contains(HOSTILE) && !text.contains("<script>alert"), "{text}");
}

#[test]
fn pages_run_nothing_of_their_own() {
    let built = Built::with(vec![hostile(1)]);
    let server = Server::start(built.router());
    for path in ["/", "/help/mirror", "/help/keys", "/nowhere"] {
        let page = get(&server, path);
        let text = page.text();
        assert!(page.header("content-security-policy").contains("script-src 'self'"), "{path}");
        assert!(
            !text.contains(" style=") && !text.contains("<style") && !text.contains(" onclick"),
            "{path}"
        );
        assert_eq!(text.matches("<script").count(), 2, "{path}: our two files only");
        assert!(
            text.contains("<h1>") && text.contains("href=\"#main\"") && text.contains("lang=\"en\""),
            "{path}"
        );
        assert!(text.contains("&quot;allowEval&quot;:false"), "{path}");
    }
}

#[test]
fn files_are_kept_for_good_under_an_address_of_their_bytes() {
    let built = Built::with(Vec::new());
    let server = Server::start(built.router());
    let page = get(&server, "/");
    let files = [
        address(page.text(), "href", ".css").to_owned(),
        address(page.text(), "src", "/assets/ward.").to_owned(),
        address(page.text(), "src", "/assets/htmx.").to_owned(),
    ];
    for path in files {
        let (plain, packed) =
            (get(&server, &path), ask(&server, "GET", &path, &[("accept-encoding", "gzip")]));
        assert_eq!((plain.status, packed.status), (200, 200), "{path}");
        assert!(plain.header("cache-control").contains("immutable"), "{path}");
        assert_eq!(packed.header("content-encoding"), "gzip", "{path}");
        assert!(packed.body.len() * 2 < plain.body.len(), "{path}");
    }
    assert_eq!(get(&server, "/assets/ward.000000000000.css").status, 404);
}

#[test]
fn density_is_remembered_and_leads_back_here_only() {
    let built = Built::with(vec![plain(1)]);
    let server = Server::start(built.router());
    let answer = ask(&server, "POST", "/preferences?density=compact&back=%2Ftasks%3Fa%3Db", &[]);
    assert_eq!((answer.status, answer.header("location")), (303, "/tasks?a=b"));
    assert!(answer.header("set-cookie").starts_with("ward-density=compact; Path=/"));
    let elsewhere = ask(&server, "POST", "/preferences?density=compact&back=%2F%2Fexample.org", &[]);
    assert_eq!(elsewhere.header("location"), "/");
    let page = ask(&server, "GET", "/", &[("cookie", "a=b; ward-density=compact")]);
    assert!(page.text().contains("<body class=\"compact\">"));
}

#[test]
fn every_recipe_is_on_the_page_with_its_source() {
    let built = Built::with(Vec::new());
    let server = Server::start(built.router());
    let page = get(&server, "/help/mirror");
    let text = page.text();
    for words in [
        "monitor session 1 source vlan 20 , 30 both",
        "esxcli network",
        "Ward never transmits",
        "RSPAN",
        "Oversubscription",
        "not run by us",
    ] {
        assert!(text.contains(words), "{words}");
    }
}
