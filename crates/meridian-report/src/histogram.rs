//! A histogram of durations as SVG, with the numbers that sum it up.

use maud::{Markup, html};
use meridian_judge::Durations;

/// The page's own units.
const BAR: f64 = 34.0;
const HEIGHT: f64 = 90.0;

/// A figure with a heading; words where there is nothing to show.
pub(crate) fn histogram(heading: &str, durations: &Durations) -> Markup {
    let bars = durations.bars();
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or(1).max(1);
    let width = BAR * bars.len() as f64 + 8.0;
    html! {
        figure {
            figcaption { (heading) }
            @if bars.is_empty() {
                p.none { "It did not happen in this run." }
            } @else {
                svg viewBox=(format!("0 0 {width} {}", HEIGHT + 32.0)) role="img"
                    style=(format!("max-width:{}px", width * 1.4)) aria-label=(heading) {
                    @for (number, bar) in bars.iter().enumerate() {
                        @let x = 4.0 + BAR * number as f64;
                        @let tall = HEIGHT * bar.count as f64 / most as f64;
                        rect.bar x=(x + 1.0) y=(HEIGHT + 14.0 - tall) width=(BAR - 2.0)
                            height=(tall) {
                            title { (format!("{} below {} ms", bar.count, bar.below_ms)) }
                        }
                        @if bar.count > 0 {
                            text.count x=(x + BAR / 2.0) y=(HEIGHT + 11.0 - tall) { (bar.count) }
                        }
                        text.count x=(x + BAR / 2.0) y=(HEIGHT + 26.0) { (bound(bar.below_ms)) }
                    }
                }
                p { (summary(durations)) }
            }
        }
    }
}

/// Count and percentiles, in words.
pub(crate) fn summary(durations: &Durations) -> String {
    let ms = |ms: Option<u64>| ms.map_or("–".into(), |ms| format!("{ms} ms"));
    format!(
        "{} measured: min {}, median {}, p99 {}, max {}",
        durations.count(),
        ms(durations.min_ms()),
        ms(durations.percentile_ms(50)),
        ms(durations.percentile_ms(99)),
        ms(durations.max_ms())
    )
}

/// The upper bound of a bar: a power of two, as short as it can be said.
fn bound(ms: u64) -> String {
    match ms {
        0..1024 => format!("<{ms}"),
        _ => format!("<{}k", ms / 1024),
    }
}
