//! The store: items, their metadata, and their vectors in every space, in one folder.
//!
//! ```text
//!   Store ─ Collection ─ items (clips, labels) ─ vectors in spaces
//!     │         │
//!   catalog  collection (reads)  commit (writes)
//!     └────┬────┘───────────────────┘
//!   layout ─ block, items, ids   what bytes mean
//!        KeyValue                where bytes are: sled, memory
//! ```
//! A commit is whole or not at all, and safe on the disk when it returns. Vectors are kept as the model gave them and come
//! out at unit length with their norms.
//!
//! It is not: a server (one process at a time has a store open), nor a search index (that is made from it).

mod block;
mod catalog;
mod check;
mod collection;
mod commit;
mod compact;
mod error;
mod fault;
mod folder;
mod ids;
mod item;
mod items;
mod key_value;
mod layout;
mod memory;
mod mend;
mod migrate;
mod page;
mod records;
mod renew;
mod scan;
mod sieve;
mod sled;
mod snapshot;
mod space;
mod storage;
mod sweep;

pub use catalog::{CollectionInfo, Store};
pub use check::{Checkup, Finding, Remedy};
pub use collection::Collection;
pub use compact::Compacted;
pub use error::{Error, Refused, Rejected};
pub use fault::Faulty;
pub use item::{Item, NewItem};
pub use key_value::{Batch, Entry, KeyValue};
pub use layout::FORMAT;
pub use memory::Memory;
pub use sled::Sled;
pub use snapshot::{Restored, Written, restore_into};
pub use space::{SpaceInfo, SpaceKey};
pub use storage::{Storage, Unkept};
