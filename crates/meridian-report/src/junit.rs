//! The same for test runners: JUnit XML, one test case for each promise. A
//! promise that was never looked at was not tested: it is skipped.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::run::{Outcome, Run, seconds};

/// A run as JUnit XML.
pub fn junit(run: &Run<'_>) -> String {
    let mut bytes = Vec::new();
    write(run, &mut Writer::new_with_indent(&mut bytes, b' ', 2))
        .expect("writing to memory does not fail");
    bytes.push(b'\n');
    String::from_utf8(bytes).expect("XML made of strings is a string")
}

fn write(run: &Run<'_>, xml: &mut Writer<&mut Vec<u8>>) -> io::Result<()> {
    let promises = run.promises();
    let count = |wanted: Outcome| {
        let found = promises.iter().filter(|(.., outcome)| *outcome == wanted);
        found.count().to_string()
    };
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let suite = xml
        .create_element("testsuite")
        .with_attribute(("name", format!("meridian {}", run.name).as_str()))
        .with_attribute(("tests", promises.len().to_string().as_str()))
        .with_attribute(("failures", count(Outcome::Broken).as_str()))
        .with_attribute(("errors", "0"))
        .with_attribute(("skipped", count(Outcome::NeverLooked).as_str()))
        .with_attribute(("time", (run.end_ms() as f64 / 1000.0).to_string().as_str()));
    suite.write_inner_content(|xml| {
        for (name, times, outcome) in &promises {
            let case = xml
                .create_element("testcase")
                .with_attribute(("classname", "meridian"))
                .with_attribute(("name", *name))
                .with_attribute(("assertions", times.to_string().as_str()));
            match outcome {
                Outcome::Kept => case.write_empty()?,
                Outcome::NeverLooked => case.write_inner_content(|xml| {
                    let skipped = xml.create_element("skipped");
                    skipped
                        .with_attribute(("message", "never looked at"))
                        .write_empty()?;
                    Ok(())
                })?,
                Outcome::Broken => case.write_inner_content(|xml| failure(run, xml))?,
            };
        }
        Ok(())
    })?;
    Ok(())
}

fn failure(run: &Run<'_>, xml: &mut Writer<&mut Vec<u8>>) -> io::Result<()> {
    let Some(violation) = &run.verdict.violation else {
        return Ok(());
    };
    let mut text = String::new();
    for cause in &violation.causes {
        let at = cause.at_ms.map(seconds).unwrap_or_default();
        text += &format!("{at}  {}\n", cause.what);
    }
    if let Some(replay) = run.replay {
        text += &format!("replay: {replay}\n");
    }
    xml.create_element("failure")
        .with_attribute(("type", violation.promise))
        .with_attribute(("message", violation.what.as_str()))
        .write_text_content(BytesText::new(&text))?;
    Ok(())
}
