//! Zones over the API and on their page: proposed, accepted, changed, imported.

use crate::house::{Built, HOSTILE, hostile, plain};
use crate::http::{Server, ask, get};
use serde_json::Value;
use serve::inventory::Entry;

fn built() -> Built {
    let of = |number: u8, vlan| Entry {
        vlans: vec![vlan],
        name: Some(format!("icu-mon-{number}").into()),
        ..plain(number)
    };
    Built::with(vec![of(1, 20), of(2, 20), of(3, 20), hostile(4)])
}

fn json(server: &Server, path: &str) -> Value {
    serde_json::from_str(get(server, path).text()).unwrap()
}

fn post(server: &Server, path: &str, body: &Value) -> (u16, Value) {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let url = format!("http://{}{path}", server.address);
    let mut answer = agent.post(&url).content_type("application/json").send(body.to_string()).unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    (answer.status().as_u16(), serde_json::from_str(&text).unwrap())
}

fn form(server: &Server, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
    let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
    let agent = config.build().new_agent();
    let url = format!("http://{}{path}", server.address);
    let mut answer = agent.post(&url).send_form(fields.iter().copied()).unwrap();
    (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
}

#[test]
fn a_proposal_is_accepted_and_is_none_any_more() {
    let built = built();
    let server = Server::start(built.router());
    let page = get(&server, "/settings/zones");
    assert!(
        page.text().contains("There are no zones yet") && page.text().contains("3 devices seen in VLAN 20")
    );
    let proposals = json(&server, "/api/v1/zones/proposals");
    let key = proposals["items"][0]["key"].as_str().unwrap().to_owned();
    assert_eq!(proposals["items"][0]["name"], "ICU");
    assert_eq!(form(&server, "/settings/zones/accept", &[("key", &key), ("name", "Intensive care")]).0, 303);
    let zones = json(&server, "/api/v1/zones");
    assert_eq!(zones["items"][0]["name"], "Intensive care");
    assert_eq!(zones["items"][0]["source"], "proposed");
    assert_eq!(zones["items"][0]["rules"][0]["value"], "20");
    let (status, again) = post(&server, "/api/v1/zones/proposals/accept", &serde_json::json!({ "key": key }));
    assert_eq!((status, again["detail"].as_str().unwrap().contains("not proposed any more")), (404, true));
}

#[test]
fn zones_and_rules_are_made_changed_and_deleted() {
    let built = built();
    let server = Server::start(built.router());
    let new = serde_json::json!({ "name": HOSTILE, "rules": [{ "kind": "vlan", "value": "7" }] });
    assert_eq!(post(&server, "/api/v1/zones", &new).0, 200);
    assert_eq!(post(&server, "/api/v1/zones", &new).0, 422, "the name is taken");
    let zone = json(&server, "/api/v1/zones")["items"][0].clone();
    let path = format!("/api/v1/zones/{}", zone["id"]);
    for (kind, value) in [("vlan", "0"), ("subnet", "10.0.0.1/8"), ("port", "1"), ("vlan", "7")] {
        let rule = serde_json::json!({ "kind": kind, "value": value });
        assert_eq!(post(&server, &format!("{path}/rules"), &rule).0, 422, "{kind} {value}");
    }
    let page = get(&server, "/settings/zones");
    assert!(!page.text().contains("<script>alert") && page.text().contains("VLAN 7"));
    let number = zone["id"].to_string();
    assert_eq!(
        form(&server, &format!("/settings/zones/{number}"), &[("name", "Guests"), ("purpose", "no trust")]).0,
        303
    );
    assert_eq!(json(&server, &path)["purpose"], "no trust");
    assert!(get(&server, "/api/v1/zones.csv").text().contains("Guests,no trust,7,"));
    assert_eq!(ask(&server, "DELETE", &format!("{path}/rules/{}", zone["rules"][0]["id"]), &[]).status, 200);
    assert_eq!(json(&server, &path)["rules"].as_array().unwrap().len(), 0);
    assert_eq!(ask(&server, "DELETE", &path, &[]).status, 200);
    assert_eq!(get(&server, &path).status, 404);
    for wrong in ["0", "x", "01", "99999999999999999999"] {
        assert_eq!(get(&server, &format!("/api/v1/zones/{wrong}")).status, 404, "{wrong}");
    }
}

#[test]
fn an_import_shows_what_it_would_do_before_it_does_it() {
    let built = built();
    let server = Server::start(built.router());
    let document = "name,purpose,vlan,subnet\nICU,beds,20,\nLab,,30,10.7.0.0/24\n";
    let asked = serde_json::json!({ "document": document, "dry_run": true });
    let (status, told) = post(&server, "/api/v1/zones/import", &asked);
    assert_eq!(
        (status, told["moves"][0]["devices"].as_u64(), told["moves"][0]["to"].as_str()),
        (200, Some(3), Some("ICU"))
    );
    assert_eq!(json(&server, "/api/v1/zones")["items"].as_array().unwrap().len(), 0);
    let (status, page) =
        form(&server, "/settings/zones/import", &[("document", document), ("act", "preview")]);
    assert!(
        status == 200 && page.contains("moves 3 devices") && page.contains("put VLAN 20 into zone ICU"),
        "{page}"
    );
    assert_eq!(form(&server, "/settings/zones/import", &[("document", document), ("act", "import")]).0, 303);
    assert_eq!(json(&server, "/api/v1/zones")["items"].as_array().unwrap().len(), 2);
    let (status, page) = form(&server, "/settings/zones/import", &[("document", "name,vlan\nA,0\nB,x\n")]);
    assert!(status == 422 && page.contains("line 2:") && page.contains("line 3:"), "{page}");
}
