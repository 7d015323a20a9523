//! From the checked model to text and tokens in other languages.

mod c_header;
pub mod docs;
#[cfg(feature = "json")]
mod editor;
mod explain;
#[cfg(feature = "json")]
mod json;
mod musl;
mod native_header;
mod native_symbols;
pub mod rust;
#[cfg(feature = "json")]
mod seccomp;
mod syscallent;
mod wit;

pub use c_header::{c_header, c_name};
pub use docs::docs;
#[cfg(feature = "json")]
pub use editor::editor_schemas;
pub use explain::explain;
#[cfg(feature = "json")]
pub use json::{json, json_schema};
pub use musl::musl;
pub use native_header::native_header;
pub use native_symbols::native_symbols;
pub use rust::rust;
#[cfg(feature = "json")]
pub use seccomp::seccomp;
pub use syscallent::syscallent;
pub use wit::wit;
