//! Which of the calls that are under way have happened: a set of small numbers.

/// Places of calls. A call keeps its place while it is under way, so that the
/// places are few.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Happened {
    /// The first places, a bit for each.
    first: u128,
    /// The others, in order; nearly always none.
    rest: Vec<usize>,
}

impl Happened {
    /// Is a place among them?
    pub(crate) fn contains(&self, place: usize) -> bool {
        match bit(place) {
            Some(bit) => self.first & bit != 0,
            None => self.rest.binary_search(&place).is_ok(),
        }
    }

    /// Adds a place.
    pub(crate) fn insert(&mut self, place: usize) {
        match (bit(place), self.rest.binary_search(&place)) {
            (Some(bit), _) => self.first |= bit,
            (None, Err(at)) => self.rest.insert(at, place),
            (None, Ok(_)) => {}
        }
    }

    /// Takes a place away; false if it is not among them.
    pub(crate) fn remove(&mut self, place: usize) -> bool {
        let was_there = self.contains(place);
        match bit(place) {
            Some(bit) => self.first &= !bit,
            None => self.rest.retain(|it| *it != place),
        }
        was_there
    }

    /// Are all of these among the others?
    pub(crate) fn is_within(&self, others: &Happened) -> bool {
        let mut rest = self.rest.iter();
        self.first & !others.first == 0 && rest.all(|place| others.contains(*place))
    }
}

fn bit(place: usize) -> Option<u128> {
    1_u128.checked_shl(u32::try_from(place).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_beyond_the_bits_are_places_too() {
        let mut some = Happened::default();
        let mut all = Happened::default();
        for place in [0, 127, 128, 1_000] {
            assert!(!all.contains(place) && !all.remove(place));
            all.insert(place);
            all.insert(place);
            assert!(all.contains(place));
        }
        some.insert(127);
        some.insert(1_000);
        assert!(some.is_within(&all) && !all.is_within(&some));
        assert!(all.remove(1_000) && !all.contains(1_000));
        assert!(!some.is_within(&all));
    }
}
