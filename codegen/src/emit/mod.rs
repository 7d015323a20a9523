//! From the checked model to text and tokens in other languages.

mod c_header;
pub mod docs;
#[cfg(feature = "json")]
mod json;
pub mod rust;

pub use c_header::c_header;
pub use docs::docs;
#[cfg(feature = "json")]
pub use json::{json, json_schema};
pub use rust::rust;
