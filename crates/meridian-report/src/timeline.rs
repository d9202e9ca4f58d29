//! The timeline of a key set as SVG: one lane for each region, with its current
//! material, its key state and the faults inside it, and a row for each link
//! that had faults.

use std::collections::BTreeMap;

use maud::{Markup, html};
use meridian_judge::history::Site;
use meridian_judge::narration::short;

use crate::faults::Fault;
use crate::lanes::{KeySet, Lane};
use crate::run::{Run, seconds};

/// The page's own units.
const LEFT: f64 = 150.0;
const WIDTH: f64 = 1000.0;
const TOP: f64 = 22.0;
const LANE: f64 = 54.0;
const LINK: f64 = 16.0;
/// Below this width a span shows no text.
const TEXT_MIN: f64 = 34.0;

/// From times to places.
struct Scale {
    end_ms: i64,
}

impl Scale {
    fn x(&self, at_ms: i64) -> f64 {
        LEFT + (WIDTH - LEFT - 6.0) * at_ms as f64 / self.end_ms.max(1) as f64
    }

    /// Left edge and width, wide enough to be seen.
    fn span(&self, from_ms: i64, to_ms: i64) -> (f64, f64) {
        let (from, to) = (self.x(from_ms), self.x(to_ms));
        (from, (to - from).max(1.0))
    }

    /// Round times, about eight of them.
    fn ticks(&self) -> Vec<i64> {
        let rough_ms = (self.end_ms / 8).max(1);
        let steps = [1, 2, 5].into_iter();
        let mut steps =
            (0..12).flat_map(|power| steps.clone().map(move |it| it * 10_i64.pow(power)));
        let step_ms = steps.find(|step| *step >= rough_ms).unwrap_or(rough_ms);
        (0..=self.end_ms / step_ms)
            .map(|number| number * step_ms)
            .collect()
    }
}

/// One picture.
pub(crate) fn timeline(run: &Run<'_>, set: &KeySet, faults: &[Fault<'_>]) -> Markup {
    let scale = Scale {
        end_ms: run.end_ms(),
    };
    let mut links: BTreeMap<(usize, usize), Vec<&Fault<'_>>> = BTreeMap::new();
    for fault in faults {
        if let Site::Link(from, to) = fault.site {
            let row = links.entry((from.min(to), from.max(to))).or_default();
            row.push(fault);
        }
    }
    let lanes_end = TOP + LANE * set.lanes.len() as f64;
    let height = lanes_end + LINK * links.len() as f64 + 10.0;
    let violation = run.verdict.violation.as_ref();
    html! {
        svg.timeline viewBox=(format!("0 0 {WIDTH} {height}")) role="img"
            aria-label=(format!("Timeline of {}", set.key)) {
            @for tick in scale.ticks() {
                @let x = scale.x(tick);
                line.grid x1=(x) x2=(x) y1=(TOP - 4.0) y2=(height) {}
                text.tick x=(x) y="12" { (format!("{} s", tick as f64 / 1000.0)) }
            }
            @for (region, lane) in set.lanes.iter().enumerate() {
                (lane_of(run, set, lane, region, faults, &scale))
            }
            @for (row, ((from, to), faults)) in links.iter().enumerate() {
                @let y = lanes_end + LINK * row as f64;
                text.link x="4" y=(y + 11.0) { (run.region(*from)) " – " (run.region(*to)) }
                @for fault in faults {
                    (band(fault, &scale, y + 3.0, 9.0))
                }
            }
            @if let Some(violation) = violation {
                @let x = scale.x(violation.at_ms);
                line.violation x1=(x) x2=(x) y1=(TOP - 6.0) y2=(height) {
                    title { (violation.promise) " is broken here" }
                }
            }
        }
    }
}

fn lane_of(
    run: &Run<'_>,
    set: &KeySet,
    lane: &Lane,
    region: usize,
    faults: &[Fault<'_>],
    scale: &Scale,
) -> Markup {
    let y = TOP + LANE * region as f64;
    let inside = faults.iter().filter(|fault| match fault.site {
        Site::Everywhere => true,
        Site::Region(it) => it == region,
        Site::Link(..) => false,
    });
    html! {
        g.lane {
            line.grid x1="0" x2=(WIDTH) y1=(y - 3.0) y2=(y - 3.0) {}
            text.region x="4" y=(y + 16.0) { (run.region(region)) }
            @for span in &lane.primary {
                @let (x, width) = scale.span(span.from_ms, span.to_ms);
                rect.primary x=(x) y=(y) width=(width) height="3" { title { "primary" } }
            }
            @for span in &lane.current {
                @let (x, width) = scale.span(span.from_ms, span.to_ms);
                @let id = set.materials.get(span.what).map(short).unwrap_or_default();
                rect class=(format!("material m{}", span.what % 8)) x=(x) y=(y + 4.0)
                    width=(width) height="15" {
                    title { (format!("current material M{} ({id}…)\nfrom {} to {}", span.what + 1,
                        seconds(span.from_ms), seconds(span.to_ms))) }
                }
                @if width > TEXT_MIN {
                    text.on x=(x + 4.0) y=(y + 15.0) { (format!("M{}", span.what + 1)) }
                }
            }
            @for span in &lane.rotation {
                @let (x, width) = scale.span(span.from_ms, span.to_ms);
                rect.rotation x=(x) y=(y + 16.0) width=(width) height="3" {
                    title { (format!("a rotation to M{} is under way", span.what + 1)) }
                }
            }
            @for span in &lane.states {
                @let (x, width) = scale.span(span.from_ms, span.to_ms);
                rect class=(format!("state {}", span.what.name())) x=(x) y=(y + 21.0)
                    width=(width) height="13" {
                    title { (format!("{}\nfrom {} to {}", span.what.name(), seconds(span.from_ms),
                        seconds(span.to_ms))) }
                }
                @if width > TEXT_MIN * 2.4 {
                    text.on x=(x + 4.0) y=(y + 31.0) { (span.what.name()) }
                }
            }
            @for fault in inside {
                (band(fault, scale, y + 37.0, 9.0))
            }
        }
    }
}

fn band(fault: &Fault<'_>, scale: &Scale, y: f64, height: f64) -> Markup {
    let ended_ms = fault.ended_ms.unwrap_or(scale.end_ms);
    let (x, width) = scale.span(fault.began_ms, ended_ms);
    let struck = match fault.struck {
        Some(1) => "struck once".into(),
        Some(times) => format!("struck {times} times"),
        None => "lasts until the end".into(),
    };
    html! {
        rect.fault x=(x) y=(y) width=(width.max(2.0)) height=(height) {
            title { (format!("{}: {}\nfrom {} to {}, {struck}", fault.kind, fault.words,
                seconds(fault.began_ms), seconds(ended_ms))) }
        }
        @if width > 6.2 * fault.kind.len() as f64 {
            text.tiny x=(x + 3.0) y=(y + height - 1.5) { (fault.kind) }
        }
    }
}
