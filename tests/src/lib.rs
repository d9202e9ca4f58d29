//! What the tests of whole clusters share.
