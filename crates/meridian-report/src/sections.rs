//! The sections of the page.

use maud::{Markup, html};

use crate::faults::Fault;
use crate::histogram::{histogram, summary};
use crate::lanes::key_sets;
use crate::page::LEGEND;
use crate::run::{Outcome, Run, seconds};
use crate::timeline::timeline;

/// Timelines on one page, at most.
const SETS_MAX: usize = 20;

/// What is wrong first, and what led to it.
pub(crate) fn violation(run: &Run<'_>) -> Markup {
    let Some(violation) = &run.verdict.violation else {
        return html! {};
    };
    html! {
        section id="violation" {
            h2 { "The first broken promise" }
            p {
                strong { (violation.promise) } ", at " (seconds(violation.at_ms)) ": "
                (violation.what)
            }
            @if let Some(key) = violation.key {
                p { "It is about " code { (key) } "." }
            }
            @if !violation.causes.is_empty() {
                h3 { "What led to it" }
                div.wide {
                    table {
                        (headings(&["Time", "Line", "What happened"]))
                        tbody {
                            @for cause in &violation.causes {
                                tr {
                                    td.number { (cause.at_ms.map(seconds).unwrap_or_default()) }
                                    td.number { (cause.line) }
                                    td { (cause.what) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// One timeline for each key set, the first one open.
pub(crate) fn timelines(run: &Run<'_>, faults: &[Fault<'_>]) -> Markup {
    let sets = key_sets(run);
    html! {
        section id="timeline" {
            h2 { "Timeline" }
            ul.legend {
                @for (class, words) in LEGEND {
                    li { span class=(format!("swatch {class}")) {} (words) }
                }
            }
            @if sets.is_empty() {
                p.none { "No region has had a key." }
            }
            @for (number, set) in sets.iter().take(SETS_MAX).enumerate() {
                details open[number == 0] {
                    summary {
                        code { (set.key) } ", materials: " (set.materials.len())
                        ", seen to change: " (set.sightings)
                    }
                    (timeline(run, set, faults))
                }
            }
            @if let Some(more) = sets.len().checked_sub(SETS_MAX + 1) {
                p.none { "Key sets that are not shown: " (more + 1) "." }
            }
        }
    }
}

/// Every promise, and whether it was kept.
pub(crate) fn promises(run: &Run<'_>) -> Markup {
    html! {
        section id="promises" {
            h2 { "Promises" }
            table {
                (headings(&["Promise", "Looked at", "Verdict"]))
                tbody {
                    @for (name, times, outcome) in run.promises() {
                        tr {
                            th scope="row" { (name) }
                            td.number { (times) }
                            @match outcome {
                                Outcome::Kept => td.kept { "kept" },
                                Outcome::Broken => td.broken { "broken" },
                                Outcome::NeverLooked => td.never { "never looked at" },
                            }
                        }
                    }
                }
            }
        }
    }
}

/// How long regions disagreed.
pub(crate) fn timings(run: &Run<'_>) -> Markup {
    let timings = &run.verdict.timings;
    html! {
        section id="timings" {
            h2 { "How long" }
            div.figures {
                (histogram("Regions encrypt under different materials", &timings.mixed_window))
                (histogram("A change reaches the last region", &timings.convergence))
                (histogram(
                    "The same, since the last fault ended",
                    &timings.convergence_after_healing,
                ))
            }
            @if !timings.mixed_window_by_pair.is_empty() {
                h3 { "Different materials, from the first region that switched to each other one" }
                table {
                    tbody {
                        @for (pair, durations) in &timings.mixed_window_by_pair {
                            tr { th scope="row" { (pair) } td { (summary(durations)) } }
                        }
                    }
                }
            }
        }
    }
}

/// What was wrong, and how often it had an effect.
pub(crate) fn faults(faults: &[Fault<'_>]) -> Markup {
    html! {
        section id="faults" {
            h2 { "Faults" }
            @if faults.is_empty() {
                p.none { "Nothing was made to go wrong." }
            } @else {
                div.wide {
                    table {
                        (headings(&["Began", "Ended", "Struck", "Fault", "Where", "What"]))
                        tbody {
                            @for fault in faults {
                                tr.idle[fault.struck == Some(0)] {
                                    td.number { (seconds(fault.began_ms)) }
                                    td.number { (fault.ended_ms.map_or("–".into(), seconds)) }
                                    td.number {
                                        (fault.struck.map_or("–".into(), |it| it.to_string()))
                                    }
                                    td { (fault.kind) }
                                    td { (fault.place) }
                                    td { (fault.words) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Operations whose outcome nobody knows.
pub(crate) fn unknown(run: &Run<'_>) -> Markup {
    let unknown = crate::unknown::unknown(run);
    html! {
        section id="unknown" {
            h2 { "Operations whose outcome stayed unknown" }
            @if unknown.is_empty() {
                p.none { "None." }
            } @else {
                div.wide {
                    table {
                        (headings(&[
                            "Began", "Given up", "Call", "Operation", "Where", "Key", "In fact",
                        ]))
                        tbody {
                            @for it in &unknown {
                                tr {
                                    td.number { (seconds(it.began_ms)) }
                                    td.number { (it.ended_ms.map_or("–".into(), seconds)) }
                                    td.number { (it.call) }
                                    td { (it.operation) }
                                    td { (it.region) " node " (it.node) }
                                    td { @if let Some(key) = &it.key { code { (key) } } }
                                    td {
                                        @if it.took_effect { "committed" }
                                        @else { "not seen to be committed" }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn headings(names: &[&str]) -> Markup {
    html! {
        thead { tr { @for name in names { th scope="col" { (name) } } } }
    }
}
