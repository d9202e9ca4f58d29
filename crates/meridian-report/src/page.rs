//! How the page looks.

/// The style sheet.
pub(crate) const STYLE: &str = include_str!("page.css");

/// Classes of the timeline, and what they mean.
pub(crate) const LEGEND: [(&str, &str); 9] = [
    ("primary", "primary"),
    ("m0", "current material, one colour each"),
    ("rotation", "a rotation is under way"),
    ("Enabled", "Enabled"),
    ("Disabled", "Disabled"),
    ("PendingImport", "PendingImport"),
    ("Updating", "Creating, Updating"),
    ("PendingDeletion", "PendingDeletion, PendingReplicaDeletion"),
    ("fault", "a fault"),
];
