//! From the checked model to text and tokens in other languages.

mod c_header;
pub mod docs;
pub mod rust;

pub use c_header::{c_header, c_name};
pub use docs::docs;
pub use rust::rust;
