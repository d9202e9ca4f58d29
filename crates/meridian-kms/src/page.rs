//! Pagination: `Limit` and `Marker` in, `NextMarker` and `Truncated` out. A
//! marker is the last item of the page before, made opaque.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{ErrorCode, KmsError};

/// One page of a list.
pub(crate) struct Page<T> {
    pub items: Vec<T>,
    pub next_marker: Option<String>,
}

/// How much a request asks for.
pub(crate) fn limit(asked: Option<i32>, default: i32, max: i32) -> Result<usize, KmsError> {
    let limit = asked.unwrap_or(default);
    if limit > max {
        // fidelity: assumed, the model allows 1000 everywhere.
        return Err(KmsError::validation(format!(
            "Limit must be between 1 and {max}."
        )));
    }
    usize::try_from(limit).map_err(|_| KmsError::validation("Limit must be positive."))
}

/// Reads a marker back into the position it stands for.
pub(crate) fn position<P: std::str::FromStr>(
    marker: &Option<String>,
) -> Result<Option<P>, KmsError> {
    let Some(marker) = marker else {
        return Ok(None);
    };
    let bytes = URL_SAFE_NO_PAD.decode(marker).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let position = text.and_then(|text| text.parse().ok());
    position
        .map(Some)
        .ok_or_else(|| KmsError::bare(ErrorCode::InvalidMarkerException))
}

/// Takes a page from what follows the marker.
pub(crate) fn take<T>(
    rest: impl Iterator<Item = T>,
    limit: usize,
    position_of: impl Fn(&T) -> String,
) -> Page<T> {
    let mut items: Vec<T> = rest.take(limit + 1).collect();
    let truncated = items.len() > limit;
    items.truncate(limit);
    let last = if truncated { items.last() } else { None };
    let next_marker = last.map(|item| URL_SAFE_NO_PAD.encode(position_of(item)));
    Page { items, next_marker }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_walked_page_by_page() {
        let mut seen = Vec::new();
        let mut marker = None;
        loop {
            let after = position::<u32>(&marker).unwrap();
            let rest = (0..5u32).filter(|n| after.is_none_or(|after| *n > after));
            let page = take(rest, 2, u32::to_string);
            seen.extend(page.items);
            marker = page.next_marker;
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(seen, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_foreign_marker_is_refused() {
        let error = position::<u32>(&Some("%%".into())).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidMarkerException);
    }
}
