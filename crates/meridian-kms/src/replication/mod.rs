//! How regions agree: facts that they tell each other, feeds that remember
//! what has to be told, and the merge of what was heard.

pub mod about;
pub mod fact;
pub mod feed;
pub mod feeding;
pub mod hand_over;
pub mod merge;
pub mod preflight;
