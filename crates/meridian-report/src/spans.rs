//! Spans: what was so from one time to another.

/// Something that was so for a while, in virtual milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span<T> {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    pub(crate) what: T,
}

/// What was so over time: one thing at a time, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spans<T> {
    ended: Vec<Span<T>>,
    open: Option<(i64, T)>,
}

impl<T> Default for Spans<T> {
    fn default() -> Spans<T> {
        Spans {
            ended: Vec::new(),
            open: None,
        }
    }
}

impl<T: PartialEq> Spans<T> {
    /// From now on it is so, or nothing is.
    pub(crate) fn becomes(&mut self, at_ms: i64, what: Option<T>) {
        if self.open.as_ref().map(|(_, it)| it) == what.as_ref() {
            return;
        }
        self.end(at_ms);
        self.open = what.map(|it| (at_ms, it));
    }

    fn end(&mut self, at_ms: i64) {
        if let Some((from_ms, what)) = self.open.take() {
            self.ended.push(Span {
                from_ms,
                to_ms: at_ms,
                what,
            });
        }
    }

    /// All of them, the last one until the end.
    pub(crate) fn until(mut self, end_ms: i64) -> Vec<Span<T>> {
        self.end(end_ms);
        self.ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_the_same_is_one_span() {
        let mut spans = Spans::default();
        for (at_ms, what) in [(1, Some('a')), (2, Some('a')), (5, Some('b')), (7, None)] {
            spans.becomes(at_ms, what);
        }
        let span = |from_ms, to_ms, what| Span {
            from_ms,
            to_ms,
            what,
        };
        assert_eq!(spans.until(9), [span(1, 5, 'a'), span(5, 7, 'b')]);
    }
}
