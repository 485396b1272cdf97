//! What a collection holds: clips and labels.

use std::collections::BTreeMap;

use crate::embedding::Modality;
use crate::value::Value;

use super::error::Refused;
use super::layout;
use super::space::SpaceKey;

/// One stored clip or label. The id names it among those of its modality.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Position in the order of arrival; a number is never given twice in a collection.
    pub seq: u64,
    /// A clip's name, or a label's text.
    pub id: String,
    pub modality: Modality,
    /// Hash of the bytes that the vectors were made from, where there were any.
    pub content_hash: Option<String>,
    pub metadata: BTreeMap<String, Value>,
}

/// An item to be stored, with its vectors as the model gave them.
#[derive(Debug, Clone, PartialEq)]
pub struct NewItem {
    /// 1 to 4,096 bytes.
    pub id: String,
    pub modality: Modality,
    /// `None` when it is not known: then an item of this id is taken to be the same content.
    pub content_hash: Option<String>,
    /// Fields to set; fields that are stored and not named here stay. Null takes back one that is stored.
    pub metadata: BTreeMap<String, Value>,
    pub vectors: Vec<(SpaceKey, Vec<f32>)>,
}

impl NewItem {
    /// An item without hash, fields and vectors.
    pub fn new(id: impl Into<String>, modality: Modality) -> Self {
        NewItem { id: id.into(), modality, content_hash: None, metadata: BTreeMap::new(), vectors: Vec::new() }
    }

    /// Whether a new item of this id may have these fields, as far as their length goes.
    ///
    /// # Errors
    /// [`Refused::TooLarge`], [`Refused::Unencodable`].
    pub fn check_length(id: &str, metadata: &BTreeMap<String, Value>) -> Result<(), Refused> {
        layout::check_length(id, metadata, 1)
    }
}
