//! A JSON Schema that says everything that is wrong at once.

use jsonschema::Validator;
use serde_json::Value;

#[derive(Debug)]
pub(crate) struct Schema(Validator);

impl Schema {
    pub(crate) fn of(schema: &Value) -> Self {
        Self(jsonschema::validator_for(schema).unwrap_or_else(|error| panic!("{error}")))
    }

    /// Where the document is not as the schema has it, and why.
    pub(crate) fn faults(&self, document: &Value) -> Vec<String> {
        let said =
            |error: jsonschema::ValidationError<'_>| format!("{}: {error}", error.instance_path());
        self.0.iter_errors(document).map(said).collect()
    }
}
