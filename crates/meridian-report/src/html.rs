//! The page: everything about a run in one file, readable without a network, in
//! dark and in light.

use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

use crate::faults::faults;
use crate::page::STYLE;
use crate::run::{Run, seconds};
use crate::sections;

/// A run as one page of HTML.
pub fn html(run: &Run<'_>) -> String {
    let faults = faults(run);
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Meridian: " (run.name) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { (head(run)) }
                main {
                    (sections::violation(run))
                    (sections::timelines(run, &faults))
                    (sections::promises(run))
                    (sections::timings(run))
                    (sections::faults(&faults))
                    (sections::unknown(run))
                }
            }
        }
    };
    page.into_string()
}

fn head(run: &Run<'_>) -> Markup {
    let regions: Vec<&str> = run.history.regions.iter().map(|it| it.as_str()).collect();
    markup! {
        h1 { "Meridian: " (run.name) }
        @match &run.verdict.violation {
            None => p.verdict.kept { "Every promise that was looked at was kept." },
            Some(it) => p.verdict.broken { "Broken: " (it.promise) },
        }
        @if let Some(replay) = run.replay {
            p { "Run it again: " code { (replay) } }
        }
        dl {
            dt { "Regions" } dd { (regions.join(", ")) }
            dt { "Length" } dd { (seconds(run.end_ms())) }
            dt { "Seen" } dd { (run.history.seen.len()) " events" }
            @if let Some(digest) = run.digest {
                dt { "Digest" } dd { code { (digest) } }
            }
        }
    }
}
