//! Reports as their readers see them.

use html5ever::tendril::TendrilSink;
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use meridian_judge::history::{Seen, Site};
use meridian_judge::{History, Verdict, Violation};
use meridian_report::{Run, html, json, junit};
use meridian_sim::Plan;
use quick_xml::events::Event;

/// A run of a fixed seed that has faults and rotations.
fn seed_7() -> meridian_sim::Report {
    meridian_sim::run(&Plan {
        history: true,
        ..Plan::new(7)
    })
}

fn run<'a>(history: &'a History, verdict: &'a Verdict) -> Run<'a> {
    Run {
        name: "seed 7",
        replay: Some("meridian simulate --seed 7"),
        digest: Some("d1ce"),
        history,
        verdict,
    }
}

/// The page as a browser understands it.
fn parsed(page: &str) -> RcDom {
    let options = html5ever::ParseOpts {
        tree_builder: html5ever::tree_builder::TreeBuilderOpts {
            exact_errors: true,
            ..Default::default()
        },
        ..Default::default()
    };
    html5ever::parse_document(RcDom::default(), options).one(page)
}

/// All text, and the names of all elements.
fn walk(node: &Handle, text: &mut String, names: &mut Vec<String>) {
    match &node.data {
        NodeData::Text { contents } => *text += &format!("{} ", contents.borrow()),
        NodeData::Element { name, .. } => names.push(name.local.to_string()),
        _ => {}
    }
    for child in node.children.borrow().iter() {
        walk(child, text, names);
    }
}

#[track_caller]
fn page_has(page: &str, wanted: &[&str]) -> Vec<String> {
    let dom = parsed(page);
    let errors = dom.errors.borrow();
    assert!(errors.is_empty(), "{errors:?}");
    let (mut text, mut names) = (String::new(), Vec::new());
    walk(&dom.document, &mut text, &mut names);
    for part in wanted {
        assert!(text.contains(part), "{part:?} is not on the page");
    }
    names
}

#[test]
fn the_page_of_a_seed_has_its_verdict_its_promises_and_its_lanes() {
    let report = seed_7();
    let page = html(&run(&report.history, &report.verdict));
    let mut wanted = vec![
        "Every promise that was looked at was kept.",
        "meridian simulate --seed 7",
        "d1ce",
        "Regions encrypt under different materials",
    ];
    wanted.extend(report.verdict.looked.keys());
    wanted.extend(report.history.regions.iter().map(|it| it.as_str()));
    let names = page_has(&page, &wanted);
    let count = |name: &str| names.iter().filter(|it| *it == name).count();
    assert!(count("svg") >= 2 && count("rect") > 20, "{names:?}");
    for outside in ["src=", "href=", "url(", "@import", "<script"] {
        assert!(!page.contains(outside), "the page needs {outside}");
    }
}

#[test]
fn what_a_history_says_is_text_and_nothing_else() {
    let evil = "<script>alert(1)</script>&\"'";
    let history = History {
        regions: vec!["us-east-1".parse().expect("a region")],
        seen: vec![Seen::FaultBegan {
            at_ms: 3,
            id: evil.into(),
            kind: evil.into(),
            site: Site::Region(0),
            fault: serde_json::json!({"code": evil}),
        }],
    };
    let verdict = Verdict {
        violation: Some(Violation {
            promise: "R2 decryptable everywhere",
            what: evil.into(),
            at_ms: 2,
            key: None,
            causes: Vec::new(),
        }),
        ..Verdict::default()
    };
    let run = Run {
        name: evil,
        replay: Some(evil),
        digest: Some(evil),
        ..run(&history, &verdict)
    };
    let names = page_has(
        &html(&run),
        &[evil, "Broken: ", "R2 decryptable everywhere"],
    );
    assert!(!names.iter().any(|name| name == "script"), "{names:?}");
    let (elements, attributes) = elements(&junit(&run));
    assert_eq!(elements, ["testsuite", "testcase", "failure"]);
    assert!(attributes.contains(&format!("message={evil}")));
}

/// The elements of an XML document, and all attributes as `name=value`.
fn elements(xml: &str) -> (Vec<String>, Vec<String>) {
    let mut reader = quick_xml::Reader::from_str(xml);
    let (mut names, mut attributes) = (Vec::new(), Vec::new());
    loop {
        match reader.read_event().expect("it is XML") {
            Event::Start(it) | Event::Empty(it) => {
                names.push(String::from_utf8_lossy(it.name().as_ref()).into_owned());
                for attribute in it.attributes() {
                    let attribute = attribute.expect("it is an attribute");
                    let name = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
                    let value = attribute.unescape_value().expect("it is escaped");
                    attributes.push(format!("{name}={value}"));
                }
            }
            Event::Eof => return (names, attributes),
            _ => {}
        }
    }
}

#[test]
fn junit_has_a_test_case_for_each_promise_and_skips_what_was_never_looked_at() {
    let report = seed_7();
    let (names, attributes) = elements(&junit(&run(&report.history, &report.verdict)));
    let count = |name: &str| names.iter().filter(|it| *it == name).count();
    assert_eq!(count("testcase"), report.verdict.looked.len());
    let never = report.verdict.looked.values().filter(|it| **it == 0);
    let never = never.count();
    assert_eq!(count("skipped"), never);
    assert!(attributes.contains(&format!("skipped={never}")));
    assert!(attributes.contains(&"failures=0".to_owned()));
}

#[test]
fn a_program_reads_what_a_person_sees() {
    let report = seed_7();
    let document = json(&run(&report.history, &report.verdict));
    assert_eq!(document["kept"], true);
    assert_eq!(
        document["regions"],
        serde_json::json!(["us-east-1", "eu-west-1"])
    );
    let faults = document["faults"].as_array().expect("a list");
    assert_eq!(faults.len(), report.faults);
    assert!(faults.iter().all(|it| it["ended_ms"].is_i64()));
    let promises = document["promises"].as_array().expect("a list");
    assert_eq!(promises.len(), report.verdict.looked.len());
}
