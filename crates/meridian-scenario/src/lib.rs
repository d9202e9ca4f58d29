//! Scenarios: timed stories about a cluster, as data.
//!
//! A file is [`read`] into a [`Scenario`], or every mistake in it is named with
//! its place. A [`Performance`] says what is due when and remembers what came
//! of it; a driver does it, in virtual time or on a live cluster, shows the
//! [`View`] that predicates look at, and sums up in an [`Outcome`].
//!
//! There is no clock, no network and no chance here: time comes in as
//! milliseconds since the driver began.

pub mod action;
pub mod answer;
pub mod call;
pub mod condition;
pub mod expectation;
pub mod numbers;
pub mod outcome;
pub mod performance;
pub mod reading;
pub mod record;
pub mod scenario;
pub mod schema;
pub mod span;
pub mod step;
pub mod task;
pub mod view;
pub mod writing;

mod check;
mod fault_schema;
mod fault_words;
mod names;
mod places;
mod progress;
mod prologue;

pub use action::Action;
pub use answer::{Answer, CallEnd};
pub use call::Call;
pub use condition::Condition;
pub use expectation::Expectation;
pub use numbers::Numbers;
pub use outcome::Outcome;
pub use performance::Performance;
pub use reading::{Mistake, read};
pub use record::{Ending, StepRecord};
pub use scenario::Scenario;
pub use span::Span;
pub use step::{Step, Trigger};
pub use task::{Due, Task};
pub use view::View;
pub use writing::write;
